"""EmbeddingCache: every image is decoded and encoded once in the life of the cache.

One folder for each encoder (its fingerprint) and number type; in it ``encoder.json`` and segments. The key
of a vector is the sha256 of its image's content. A file lock is held while encoding: of two processes at
once, the second finds the first one's work. Reading takes no lock.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.store.encoder import Composed, Encoder
from fewshot_bench.store.encoding import encode_images, encoder_name
from fewshot_bench.store.mapped import Mapped, locate
from fewshot_bench.store.segments import Segment, as_keys, cannot_write, merge_small, open_segments, sweep
from fewshot_bench.store.writer import CARD, SegmentWriter

if TYPE_CHECKING:
    from fewshot_bench.data.index import ImageIndex

Progress = Callable[[int, int], None]
"""``progress(done, total)``, in images that were not in the cache."""


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
        """Embeddings ``[len(rows), D]`` in memory; parameters and errors as of ``mapped``.

        Of a ``Composed`` encoder the inner one's embeddings are kept, and mapped whenever they are read.
        """
        found = self.mapped(
            encoder.inner if isinstance(encoder, Composed) else encoder,
            index,
            rows,
            batch_size=batch_size,
            workers=workers,
            progress=progress,
            dtype=dtype,
        )[:]
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
        """Embeddings ``[len(rows), D]`` of images ``rows``, left on disk; what is missing is encoded first.

        ``workers`` threads decode while the encoder works on batches of exactly ``batch_size``. Raises
        FsbenchError when an image cannot be decoded, a vector is not finite or the disk is full; what was
        finished before that, or before Ctrl-C, is kept.
        """
        if dtype not in ("float32", "float16"):
            raise UsageError(f"Embeddings are kept as float32 or float16, not {dtype!r}.")
        rows = np.asarray(rows, dtype=np.int64)
        keys, first, inverse = np.unique(as_keys(index.digests[rows]), return_index=True, return_inverse=True)
        folder = self.root / _folder_name(encoder.fingerprint(), dtype)
        segments = open_segments(folder)
        if missing := int((~_found(segments, keys)).sum()):
            with self._locked(folder, progress, missing):
                segments = open_segments(folder)  # another process may have written meanwhile
                sweep(folder, segments)
                todo = np.sort(rows[first[~_found(segments, keys)]])
                writer = SegmentWriter(folder, encoder_name(encoder), segments)
                work = encode_images(
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
                segments = merge_small(folder, segments + writer.written)
        with suppress(OSError):
            os.utime(folder / CARD)  # when it was last used, for prune
        found = locate(segments, keys, np.dtype(dtype))
        return replace(found, numbers=found.numbers[inverse], places=found.places[inverse])

    def info(self) -> list[dict[str, Any]]:
        """One row per encoder and number type, the last used first.

        Keys: ``encoder``, ``images``, ``dim``, ``dtype``, ``MB`` (on disk), ``last used`` (local time) and
        ``folder``.
        """
        rows = []
        for folder in sorted(self._folders(), key=_last_used, reverse=True):
            segments = open_segments(folder)
            size = sum(path.stat().st_size for path in folder.iterdir())
            rows.append(
                {
                    "encoder": _card(folder).get("encoder", "unknown"),
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
        """Remove the encoders not used for so many days (None: all of them); returns how many.

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


def _folder_name(fingerprint: str, dtype: str) -> str:
    if not re.fullmatch(r"[0-9a-zA-Z]{16,128}", fingerprint):
        fingerprint = hashlib.sha256(fingerprint.encode()).hexdigest()
    return f"{fingerprint}-{dtype}"


def _card(folder: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        card = json.loads((folder / CARD).read_text("utf-8"))
        return card if isinstance(card, dict) else {}
    return {}


def _last_used(folder: Path) -> float:
    return (folder / CARD).stat().st_mtime


def _found(segments: list[Segment], keys: NDArray[np.void]) -> NDArray[np.bool_]:
    found = np.zeros(len(keys), dtype=bool)
    for segment in segments:
        found |= segment.find(keys)[0]
    return found
