"""Snapshot: the finished index of a big folder as one file of the cache, good for as long as no folder changed.

To look at the size and date of half a million files takes seconds; to look at ten thousand folders, a tenth of
one. A folder's dates change when a file is added to it, removed, renamed or replaced, so that an index loaded
from a snapshot lists the files that are there. They do not change when a file is overwritten in place: that is
looked for in the pictures that are used, just before they are (``ImageIndex.check``). The file is sealed with its
sha256: of a damaged one nothing is believed.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import PIL
from numpy.typing import NDArray

from fewshot_bench.data import build
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.data.scan import CLOSED
from fewshot_bench.errors import FsbenchError
from fewshot_bench.files import sealed, unsealed, write_atomic

LEAST = 20_000
"""Pictures from which on a folder has a snapshot: to look at each of fewer takes a moment."""

SETTLED = 2.0
"""Seconds for which a file or folder must not have changed: dates are no finer than that on some disks."""

_ARRAYS = ("labels", "pools", "groups", "positions", "guards", "digests")
_TEXTS = ("name", "variant", "class_names", "class_splits", "notes", "unreadable")
_VERSION = "fsbench-snapshot-2"


class Seen(NamedTuple):
    """A folder as a walk found it: its path below the root ("" the root itself), and its dates in ns."""

    label: str
    modified: int
    changed: int


def seen(folder: str | Path, label: str) -> Seen:
    """Returns the folder as it is now; OSError where it is not there."""
    info = os.stat(folder)  # noqa: PTH116 (ten thousand of them)
    return Seen(label, info.st_mtime_ns, info.st_ctime_ns)


@dataclass(frozen=True)
class Snapshot:
    """The index of ``root`` in a file of ``folder``; ``kind`` names the code that made it, and its version."""

    root: Path
    folder: Path
    kind: str

    @property
    def path(self) -> Path:
        """Another place, code or Pillow (which may read other files), another snapshot."""
        key = "\0".join((_VERSION, self.kind, PIL.__version__, os.path.realpath(self.root)))
        return self.folder / f"{hashlib.sha256(os.fsencode(key)).hexdigest()[:32]}.snapshot"

    def save(
        self, index: ImageIndex, stamps: NDArray[np.int64], folders: Sequence[Seen], began: float
    ) -> None:
        """Keeps an index made since ``began`` (Unix seconds) of the files in ``folders``.

        ``stamps`` int64 [M + U, 2] are sizes and dates of its M files and of its U unreadable ones. Nothing
        is kept of a small index, of one with files that could not be opened, or where something changed so
        lately that a further change might leave the same date.
        """
        dates = np.array([date for _, *both in folders for date in both] + stamps[:, 1].tolist()) / 1e9
        fresh = (dates > began - SETTLED) & (dates < time.time() + SETTLED)
        if len(index) < LEAST or fresh.any() or any(why.startswith(CLOSED) for _, why in index.unreadable):
            return
        text = {name: getattr(index, name) for name in _TEXTS}
        text |= {"fingerprint": index.fingerprint, "folders": folders}
        arrays = {name: getattr(index, name) for name in _ARRAYS} | {"stamps": stamps}
        if index.test is not None:
            arrays["test"] = index.test
        arrays["text"] = _bytes(json.dumps(text))
        arrays["paths"] = _bytes("\0".join(index.paths))
        content = io.BytesIO()
        np.savez(content, **arrays)
        try:
            write_atomic(self.path, lambda stream: stream.write(sealed(content.getvalue())))
        except FsbenchError:
            return  # a cache that cannot be written has been warned of (facts.py)

    def load(self) -> ImageIndex | None:
        """Returns the index, where there is one and neither a folder nor an unreadable file changed since."""
        try:
            return self._load()
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
            return None  # none yet, a folder that is gone, or a damaged file: the folder is read

    def _load(self) -> ImageIndex | None:
        with np.load(io.BytesIO(unsealed(self.path.read_bytes())), allow_pickle=False) as stored:
            arrays: dict[str, Any] = {name: stored[name] for name in stored.files}
        text = json.loads(arrays.pop("text").tobytes())
        paths = tuple(arrays.pop("paths").tobytes().decode("utf-8", "surrogateescape").split("\0"))
        stamps, fingerprint = arrays.pop("stamps"), text.pop("fingerprint")
        for folder in map(tuple, text.pop("folders")):
            if seen(f"{self.root}{os.sep}{folder[0]}", folder[0]) != folder:
                return None
        text["unreadable"] = tuple(map(tuple, text["unreadable"]))
        if Files(self.root, [path for path, _ in text["unreadable"]], stamps[len(paths) :]).changed():
            return None
        for name in ("class_names", "class_splits", "notes"):
            text[name] = tuple(text[name])
        check = Check(Files(self.root, paths, stamps[: len(paths)]), self.path)
        reader = build.Reader(build.FilesBelow(self.root), paths)
        index = ImageIndex(**arrays, **text, paths=paths, reader=reader, check=check)
        index.__dict__["fingerprint"] = fingerprint  # where functools.cached_property keeps it
        return index


@dataclass(frozen=True, eq=False)
class Files:
    """M files below ``root`` and their ``stamps`` int64 [M, 2], size and modification time in ns."""

    root: Path
    paths: Sequence[str]
    stamps: NDArray[np.int64]

    def changed(self, wanted: Iterable[str] | None = None) -> list[str]:
        """Returns the paths of ``wanted`` (None: all) that have another size or date now, or are gone."""
        known = dict(zip(self.paths, self.stamps.tolist(), strict=True))
        return [path for path in (known if wanted is None else wanted) if self._now(path) != known[path]]

    def _now(self, path: str) -> list[int]:
        try:
            info = os.stat(f"{self.root}{os.sep}{path}")  # noqa: PTH116 (half a million of them)
        except OSError:
            return []
        return [info.st_size, info.st_mtime_ns]


@dataclass(frozen=True, eq=False)
class Check:
    """``ImageIndex.check`` of an index from the snapshot ``snapshot``."""

    files: Files
    snapshot: Path

    def __call__(self, paths: Iterable[str]) -> None:
        """Raises FsbenchError, and forgets the snapshot, where files of ``paths`` are not what was indexed."""
        if changed := self.files.changed(paths):
            self.snapshot.unlink(missing_ok=True)
            raise FsbenchError(
                f"Pictures in {self.files.root} were overwritten after they were indexed ({len(changed)}, "
                f"{changed[0]!r} first): run the same command again, which reads them anew."
            )


def _bytes(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode("utf-8", "surrogateescape"), dtype=np.uint8)
