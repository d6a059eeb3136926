"""Parts: finished chunks of an interrupted run, kept until its record is written."""

from __future__ import annotations

import hashlib
import io
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.files import write_atomic

Chunk = dict[str, NDArray[Any]]

FLUSH_SECONDS = 10.0
"""Chunks that have waited for so long are written."""


class Parts:
    """Finished chunks below ``folder``, whose name is the key of everything that a chunk depends on.

    The name of a file holds the digest of its bytes. A file whose bytes have another digest is removed, and its
    chunks are scored again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pending: dict[int, Chunk] = {}
        self.flushed = time.monotonic()

    def load(self) -> dict[int, Chunk]:
        """Returns the arrays of each finished chunk by the number of its first episode."""
        found: dict[int, Chunk] = {}
        for path in sorted(self.folder.glob("part-*.npz")):
            try:
                data = path.read_bytes()
            except OSError:
                continue
            if hashlib.sha256(data).hexdigest() != path.stem.rpartition("-")[2]:
                path.unlink(missing_ok=True)
                continue
            with np.load(io.BytesIO(data), allow_pickle=False) as stored:
                for key in stored.files:
                    start, name = key.split("/")
                    found.setdefault(int(start), {})[name] = stored[key]
        return found

    def add(self, start: int, arrays: Chunk) -> None:
        """Keeps the finished chunk that begins with episode ``start``; it is written within ``FLUSH_SECONDS``."""
        self.pending[start] = arrays
        if time.monotonic() - self.flushed > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Writes the chunks that are pending."""
        if self.pending:
            flat = {f"{s}/{k}": v for s, arrays in self.pending.items() for k, v in arrays.items()}
            stream = io.BytesIO()
            np.savez(stream, **flat)  # type: ignore[arg-type]
            data = stream.getvalue()
            name = f"part-{min(self.pending):08d}-{hashlib.sha256(data).hexdigest()}.npz"
            write_atomic(self.folder / name, lambda file: file.write(data))
            self.pending = {}
        self.flushed = time.monotonic()

    def clear(self) -> None:
        """Removes all parts: the record is written."""
        shutil.rmtree(self.folder, ignore_errors=True)
