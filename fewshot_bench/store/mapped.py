"""Mapped: rows of the embedding cache that stay on disk; what is indexed is read, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import FsbenchError
from fewshot_bench.store.segments import DamagedSegmentError, Segment


@dataclass(frozen=True, eq=False)
class Mapped:
    """A table ``[M, D]`` over memory-mapped segments, 8 bytes a row in memory.

    ``numbers [M]`` are the segments of the rows and ``places [M]`` their rows there. A mapped segment outlives
    its file: one that is merged or pruned meanwhile stays readable.
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
        """Returns the vectors of ``rows``, ``[len(rows), D]``, as an array of its own.

        Raises DamagedSegmentError when the disk no longer holds what was written. All damaged segments among
        ``rows`` are then removed, so that the same command encodes their pictures again.
        """
        numbers, places = self.numbers[rows], self.places[rows]
        table = np.empty((len(numbers), self.shape[1]), dtype=self.dtype)
        damaged: DamagedSegmentError | None = None
        for number in np.unique(numbers):
            here = numbers == number
            try:
                table[here] = self.segments[number].read(places[here])
            except DamagedSegmentError as error:
                damaged = error
        if damaged is not None:
            raise damaged
        return table


def locate(segments: Sequence[Segment], keys: NDArray[np.void], dtype: np.dtype[Any]) -> Mapped:
    """Returns the rows of ``keys [m]``; raises FsbenchError for a key that is in no segment."""
    numbers, places = np.full(len(keys), -1, np.int32), np.zeros(len(keys), np.int32)
    for number, segment in enumerate(segments):
        here, rows = segment.find(keys)
        numbers[here], places[here] = number, rows
    absent = np.flatnonzero(numbers < 0)
    if len(absent):
        raise FsbenchError(
            f"The embedding cache holds no vector of {len(absent)} of {len(keys)} pictures, the first of sha256 "
            f"{keys[absent[0]].tobytes().hex()}; run the same command again, and report it if it comes back."
        )
    return Mapped(segments, numbers, places, dtype)
