"""Finished trainings on disk: made once under a lock, verified by checksums when they are found again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from fewshot_bench.errors import FsbenchError
from fewshot_bench.files import why, write_atomic
from fewshot_bench.progress import Progress
from fewshot_bench.training.checkpoint import load_checkpoint
from fewshot_bench.training.log import LOG, append_log

if TYPE_CHECKING:
    from torch import Tensor

MANIFEST = "training.json"
"""The file that is written last: what the training was, and the sha256 of each of its files."""

LOCK, ARRAYS = "lock", "arrays.npz"


_ONLY_KEPT: ContextVar[bool] = ContextVar("only_kept", default=False)


class NotKeptError(FsbenchError):
    """A training is not there. ``key`` is its identity."""

    def __init__(self, name: str, key: str) -> None:
        super().__init__(f"The training {name} is not kept here.")
        self.key = key


@contextmanager
def only_kept() -> Iterator[None]:
    """Lets no training begin in the block: one that is not kept is a NotKeptError."""
    token = _ONLY_KEPT.set(True)
    try:
        yield
    finally:
        _ONLY_KEPT.reset(token)


def packed(folder: Path) -> dict[str, bytes] | None:
    """Returns the files of a finished training by name, the manifest last; None where it is not finished and whole."""
    manifest = read_manifest(folder)
    if manifest is None or damaged_files(folder, manifest):
        return None
    return {name: (folder / name).read_bytes() for name in (*manifest["files"], MANIFEST)}


def unpack(folder: Path, files: Mapping[str, bytes], name: str, progress: Progress) -> None:
    """Writes the files of a training that another machine finished, unless they are here."""
    if strange := [file for file in files if Path(file).name != file]:
        raise FsbenchError(f"The training {name} has a file {strange[0]!r}, which is no name of a file.")
    with locked(folder, name, progress):
        if packed(folder) is None:
            for file, content in files.items():
                write_atomic(folder / file, lambda stream, content=content: stream.write(content))  # type: ignore[misc]


def train_once(
    name: str,
    folder: Path,
    key: str,
    facts: Mapping[str, Any],
    progress: Progress,
    *,
    run: Callable[[], Path],
    export: Callable[[dict[str, Tensor]], list[str]],
) -> None:
    """Makes sure that ``folder`` holds the finished training with ``key``.

    ``run`` trains and returns the best checkpoint; ``export`` writes its tensors to files of the folder and returns
    their names. Of several runs that want one training, one trains; the others wait, say so by ``progress``, and
    find it. A damaged file is exported again from the best checkpoint. ``facts`` are written down for a reader.
    Raises FsbenchError where the checkpoint or the log is damaged.
    """

    def make() -> list[str]:
        best = run()
        state = load_checkpoint(best)
        if state is None:
            raise FsbenchError(f"There is no checkpoint {best}; remove its folder to train again.")
        return [*export(state.tensors), LOG]

    keep_once(name, folder, key, facts, progress, make)


def keep_once(
    name: str,
    folder: Path,
    key: str,
    facts: Mapping[str, Any],
    progress: Progress,
    make: Callable[[], list[str]],
) -> None:
    """Makes sure that ``folder`` holds the files with ``key``; ``make`` writes them and returns their names.

    Within ``only_kept`` it raises NotKeptError in place of making them.
    """
    if finished(folder, key):
        return
    if _ONLY_KEPT.get():
        raise NotKeptError(name, key)
    with locked(folder, name, progress):
        if not finished(folder, key):
            write_manifest(folder, key, facts, make())


def keep_arrays(
    name: str,
    folder: Path,
    key: str,
    facts: Mapping[str, Any],
    progress: Progress,
    make: Callable[[], tuple[dict[str, NDArray[Any]], dict[str, float]]],
) -> dict[str, NDArray[Any]]:
    """Returns arrays by name: kept in ``folder``, or made, with a line of the log, and kept."""

    def write() -> list[str]:
        arrays, line = make()
        (folder / LOG).unlink(missing_ok=True)
        append_log(folder / LOG, {"epoch": 1, **line})
        write_atomic(folder / ARRAYS, lambda stream: np.savez(stream, **arrays))  # type: ignore[arg-type]
        return [ARRAYS, LOG]

    keep_once(name, folder, key, facts, progress, write)
    with np.load(folder / ARRAYS, allow_pickle=False) as kept:
        return dict(kept)


@contextmanager
def locked(folder: Path, name: str, progress: Progress) -> Iterator[None]:
    """Holds the lock of a folder; waits for another process or thread that holds it, and says so."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            progress(f"wait for another run that trains {name}", 0, 1)
            lock.acquire()
    except OSError as error:
        raise FsbenchError(
            f"Cannot write to {folder}: {why(error)}; name another cache by FSBENCH_CACHE."
        ) from error
    try:
        yield
    finally:
        lock.release()


def finished(folder: Path, key: str) -> bool:
    """Returns whether a folder holds the finished training with ``key``, and all its files are as they were written.

    Raises FsbenchError for a damaged log, which nothing but another training can replace.
    """
    manifest = read_manifest(folder)
    if manifest is None or manifest.get("identity") != key:
        return False
    damaged = damaged_files(folder, manifest)
    if LOG in damaged:
        raise FsbenchError(
            f"The training log {folder / LOG} is damaged or missing; remove its folder to train again."
        )
    return not damaged


def check_files(weights: Path) -> None:
    """Raises FsbenchError where a training wrote ``weights`` and it, or a file beside it, is not as it was written."""
    manifest = read_manifest(weights.parent)
    if manifest is None or weights.name not in manifest["files"]:
        return
    damaged = [name for name in damaged_files(weights.parent, manifest) if name != LOG]
    if damaged:
        raise FsbenchError(
            f"{weights.with_name(damaged[0])} is damaged or missing: its content is not what the training wrote; "
            "run the command that trained it again, or take another copy."
        )


def write_manifest(folder: Path, key: str, facts: Mapping[str, Any], names: list[str]) -> None:
    """Writes the manifest: ``identity``, ``facts`` and the sha256 of each file."""
    files = {name: digest(folder / name) for name in names}
    text = json.dumps({"identity": key, "facts": facts, "files": files}, indent=2) + "\n"
    write_atomic(folder / MANIFEST, lambda stream: stream.write(text.encode()))


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """Returns the manifest of a folder; None where there is none that can be read."""
    try:
        found = json.loads((folder / MANIFEST).read_text("utf-8"))
        files = found["files"]
        named = isinstance(files, dict) and all(isinstance(sha, str) for sha in files.values())
        return dict(found) if named else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def damaged_files(folder: Path, manifest: Mapping[str, Any]) -> list[str]:
    """Returns the names of files that are missing or not as they were written."""
    return [name for name, sha in manifest["files"].items() if digest(folder / name) != sha]


def digest(path: Path) -> str:
    """Returns the sha256 (hex) of a file, "" where it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except (OSError, ValueError):
        return ""
