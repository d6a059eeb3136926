"""SegmentWriter: finished vectors gather in memory and go to disk a few hundred at a time."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import FsbenchError
from fewshot_bench.files import write_atomic
from fewshot_bench.store.segments import Segment, cannot_write, write_segment

CARD = "encoder.json"
"""Says whose vectors a folder holds and what its key is made of; its date is when they were last used."""

FLUSH_IMAGES, FLUSH_SECONDS = 512, 15.0
"""A segment is written when so many vectors have gathered, or the first of them is so old."""


class SegmentWriter:
    """Appends vectors of one encoder to its folder, beside the segments ``present``; with the lock held.

    ``encoder`` is what the encoder is called, ``facts`` the tree of which the folder's key was made.
    """

    def __init__(
        self, folder: Path, encoder: str, present: list[Segment], facts: Mapping[str, Any] | None = None
    ) -> None:
        self.folder = folder
        self.encoder = encoder
        self.facts = dict(facts or {})
        self.present = present
        self.written: list[Segment] = []
        self.count = 0
        self._keys: list[NDArray[np.void]] = []
        self._vectors: list[NDArray[Any]] = []
        self._since = time.monotonic()

    def add(self, keys: NDArray[np.void], vectors: NDArray[Any]) -> None:
        """Takes ``keys [b]`` and their ``vectors [b, D]``; writes a segment when it is due."""
        for segment in self.present[:1] or self.written[:1]:
            if segment.vectors.shape[1] != vectors.shape[1]:
                raise FsbenchError(
                    f"The encoder {self.encoder} makes vectors of {vectors.shape[1]} values, {self.folder} "
                    f"holds {segment.vectors.shape[1]} of the same fingerprint; a fingerprint must "
                    "change whenever its vectors do (`fsbench cache prune --all` makes room for a new start)."
                )
        if not self._keys:
            self._since = time.monotonic()
        self._keys.append(keys)
        self._vectors.append(vectors)
        self.count += len(keys)
        waiting = sum(map(len, self._keys))
        if waiting >= FLUSH_IMAGES or time.monotonic() - self._since > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Writes what has gathered as one segment."""
        if not self._keys:
            return
        if not (self.folder / CARD).exists():
            created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            card = json.dumps({"encoder": self.encoder, "created": created, "identity": self.facts}, indent=1)
            write_atomic(
                self.folder / CARD,
                lambda stream: stream.write(card.encode()),
                refusal=lambda error: cannot_write(self.folder, error),
            )
        self.written.append(write_segment(self.folder, self._keys, self._vectors))
        self._keys, self._vectors = [], []
