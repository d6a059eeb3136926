"""Mapped: rows of the embedding cache that stay on disk; what is indexed is read, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.store.segments import Segment


@dataclass(frozen=True, eq=False)
class Mapped:
    """A table ``[M, D]`` over memory-mapped segments, 8 bytes a row in memory.

    ``numbers [M]``: the segment of each row; ``places [M]``: its row there. A mapped segment outlives its file:
    one that is merged or pruned meanwhile stays readable.
    """

    segments: Sequence[Segment]
    numbers: NDArray[np.int32]
    places: NDArray[np.int32]
    dtype: np.dtype[Any]

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def shape(self) -> tuple[int, int]:
        """(M, D); D is 0 in an empty cache."""
        return len(self), self.segments[0].vectors.shape[1] if self.segments else 0

    def __getitem__(self, rows: NDArray[np.integer[Any]] | slice) -> NDArray[Any]:
        """The vectors of ``rows``, ``[len(rows), D]``, as an array of its own."""
        numbers, places = self.numbers[rows], self.places[rows]
        table = np.empty((len(numbers), self.shape[1]), dtype=self.dtype)
        for number in np.unique(numbers):
            here = numbers == number
            table[here] = self.segments[number].vectors[places[here]]
        return table


def locate(segments: Sequence[Segment], keys: NDArray[np.void], dtype: np.dtype[Any]) -> Mapped:
    """The rows of ``keys [m]``, every one of which is in some segment."""
    numbers, places = np.zeros(len(keys), np.int32), np.zeros(len(keys), np.int32)
    for number, segment in enumerate(segments):
        here, rows = segment.find(keys)
        numbers[here], places[here] = number, rows
    return Mapped(segments, numbers, places, dtype)
