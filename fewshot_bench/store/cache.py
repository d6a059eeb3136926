"""EmbeddingCache: every image is decoded and encoded once in the life of the cache.

There is one folder for each ``identity.embedding_key`` (the encoder, the kind of device, the versions of the
libraries) and number type; it holds ``encoder.json``, which says what its key is made of, and segments. The key
of a vector is the sha256 of its image's content. A file lock is held while encoding: when two processes run at
once, the second finds the work of the first. Reading takes no lock.

What the disk holds is verified before it is used (see ``segments``): damaged vectors are encoded again.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from fewshot_bench import identity
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.store.encoder import Composed, Encoder
from fewshot_bench.store.encoding import encoder_name
from fewshot_bench.store.mapped import Mapped, locate
from fewshot_bench.store.segments import (
    DamagedSegmentError,
    Segment,
    as_keys,
    cannot_write,
    merge_small,
    open_segments,
    sweep,
)
from fewshot_bench.store.sharding import encode_anywhere
from fewshot_bench.store.writer import CARD, SegmentWriter

if TYPE_CHECKING:
    from fewshot_bench.data.index import ImageIndex

Progress = Callable[[int, int], None]
"""``progress(done, total)``, in images that were not in the cache."""

TRIES = 3
"""Times that damaged vectors are encoded again before the disk is taken to be broken."""


class EmbeddingCache:
    """Embeddings on disk under ``root``, a folder that is made when the first vectors are written."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def embed(
        self,
        encoder: Encoder,
        index: ImageIndex,
        rows: NDArray[np.integer[Any]],
        *,
        batch_size: int = 32,
        workers: int = 2,
        progress: Progress | None = None,
        dtype: Literal["float32", "float16"] = "float32",
    ) -> NDArray[Any]:
        """Returns embeddings ``[len(rows), D]`` in memory; parameters and errors are those of ``mapped``.

        The cache keeps the inner embeddings of a ``Composed`` encoder; its map is applied whenever they are read.
        """
        inner = encoder.inner if isinstance(encoder, Composed) else encoder
        for left in reversed(range(TRIES)):
            mapped = self.mapped(
                inner, index, rows, batch_size=batch_size, workers=workers, progress=progress, dtype=dtype
            )
            try:
                found = mapped[:]
                break
            except DamagedSegmentError as error:
                _warn_or_raise(error, left)
        if isinstance(encoder, Composed):
            return encoder.after(found.astype(np.float32)).astype(dtype)
        return found

    def mapped(
        self,
        encoder: Encoder,
        index: ImageIndex,
        rows: NDArray[np.integer[Any]],
        *,
        batch_size: int = 32,
        workers: int = 2,
        progress: Progress | None = None,
        dtype: Literal["float32", "float16"] = "float32",
    ) -> Mapped:
        """Returns embeddings ``[len(rows), D]`` of images ``rows``, left on disk; what is missing is encoded first.

        ``workers`` threads decode while the encoder works on batches of exactly ``batch_size``. Raises
        FsbenchError when an image cannot be decoded, a vector is not finite or the disk is full; what was
        finished before that, or before Ctrl-C, is kept.
        """
        if dtype not in ("float32", "float16"):
            raise UsageError(f"Embeddings are kept as float32 or float16, not {dtype!r}.")
        rows = np.asarray(rows, dtype=np.int64)
        keys, first, inverse = np.unique(as_keys(index.digests[rows]), return_index=True, return_inverse=True)
        folder = self.root / f"{identity.embedding_key(encoder)}-{dtype}"
        segments = open_segments(folder)
        if missing := int((~_found(segments, keys)).sum()):
            with self._locked(folder, progress, missing):
                segments = open_segments(folder)  # another process may have written meanwhile
                sweep(folder, segments)
                # in the order of digests, which says nothing of classes
                todo = np.asarray(rows[first[~_found(segments, keys)]], dtype=np.int64)
                facts = identity.embedding_facts(encoder)
                writer = SegmentWriter(folder, encoder_name(encoder), segments, facts)
                work = encode_anywhere(
                    encoder, index, todo, batch_size=batch_size, workers=workers, dtype=np.dtype(dtype)
                )
                try:
                    with closing(work):
                        for batch, vectors in work:
                            writer.add(as_keys(index.digests[batch]), vectors)
                            if progress is not None:
                                progress(writer.count, len(todo))
                finally:
                    writer.flush()
                segments = _merged(folder, segments + writer.written)
        with suppress(OSError):
            os.utime(folder / CARD)  # when it was last used, for prune
        found = locate(segments, keys, np.dtype(dtype))
        return replace(found, numbers=found.numbers[inverse], places=found.places[inverse])

    def info(self) -> list[dict[str, Any]]:
        """Returns one row per encoder and number type, the last used first.

        Keys: ``encoder``, ``device``, ``made with`` (the versions of libraries that are not the installed ones,
        "" where all are), ``images``, ``dim``, ``dtype``, ``MB`` (on disk), ``last used`` (local time) and ``folder``.
        """
        rows = []
        for folder in sorted(self._folders(), key=_last_used, reverse=True):
            segments = open_segments(folder)
            size = sum(path.stat().st_size for path in folder.iterdir())
            card = _card(folder)
            rows.append(
                {
                    "encoder": card.get("encoder", "unknown"),
                    "device": card["identity"].get("device", "unknown"),
                    "made with": _other_versions(card["identity"].get("versions", {})),
                    "images": sum(map(len, segments)),
                    "dim": segments[0].vectors.shape[1] if segments else 0,
                    "dtype": folder.name.rpartition("-")[2],
                    "MB": round(size / 1e6, 1),
                    "last used": time.strftime("%Y-%m-%d %H:%M", time.localtime(_last_used(folder))),
                    "folder": str(folder),
                }
            )
        return rows

    def prune(self, *, older_than_days: float | None = None) -> int:
        """Removes the encoders not used for so many days (None: all of them); returns how many.

        Raises FsbenchError when a process is encoding into one of them.
        """
        removed = 0
        for folder in self._folders():
            if older_than_days is not None and time.time() - _last_used(folder) < older_than_days * 86400:
                continue
            try:
                with self._lock(folder).acquire(timeout=0):
                    shutil.rmtree(folder)
            except Timeout as error:
                raise FsbenchError(
                    f"Another process is encoding into {folder}; wait until it is done, then prune."
                ) from error
            except OSError as error:
                raise cannot_write(folder, error) from error
            removed += 1
        return removed

    def _folders(self) -> list[Path]:
        return sorted(path.parent for path in self.root.glob(f"*/{CARD}"))

    def _lock(self, folder: Path) -> FileLock:
        """Locks lie beside the folders, so that a folder can be removed while others wait for it."""
        return FileLock(self.root / f"{folder.name}.lock")

    def _locked(self, folder: Path, progress: Progress | None, total: int) -> AbstractContextManager[Any]:
        """The folder's lock, acquired; while another process holds it, progress stands at nothing done."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            while True:
                with suppress(Timeout):
                    return self._lock(folder).acquire(timeout=1.0)
                if progress is not None:
                    progress(0, total)
        except OSError as error:
            raise cannot_write(self.root, error) from error


def _merged(folder: Path, segments: list[Segment]) -> list[Segment]:
    """Few segments of many; where a damaged one was among those to be merged, they stay as they are."""
    try:
        return merge_small(folder, segments)
    except DamagedSegmentError as error:
        warnings.warn(str(error), stacklevel=3)
        return segments


def _warn_or_raise(error: DamagedSegmentError, left: int) -> None:
    """Warn of a segment that is encoded again; raise where it is still there, or no try is ``left``."""
    if not left or error.path.exists():
        raise error
    warnings.warn(f"{str(error).partition(';')[0]}; what was in it is encoded again.", stacklevel=3)


def _other_versions(versions: dict[str, str]) -> str:
    """The versions that are not the installed ones, as "torch 2.6.0, timm 1.0.9"."""
    installed = identity.versions(versions)
    return ", ".join(
        f"{name} {made or 'missing'}" for name, made in versions.items() if installed[name] != made
    )


def _card(folder: Path) -> dict[str, Any]:
    """Returns what a folder's card says; ``identity`` is {} where the card cannot be read."""
    with suppress(OSError, ValueError):
        card = json.loads((folder / CARD).read_text("utf-8"))
        if isinstance(card, dict) and isinstance(card.get("identity", {}), dict):
            return {"identity": {}, **card}
    return {"identity": {}}


def _last_used(folder: Path) -> float:
    return (folder / CARD).stat().st_mtime


def _found(segments: list[Segment], keys: NDArray[np.void]) -> NDArray[np.bool_]:
    found = np.zeros(len(keys), dtype=bool)
    for segment in segments:
        found |= segment.find(keys)[0]
    return found
