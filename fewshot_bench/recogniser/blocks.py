"""The rows of a large table in blocks, which versions of it share: a change copies the blocks that it touches alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.prediction.nearest import (
    LISTED,
    Shortlist,
    nearest_of_blocks,
    several_listed,
    several_of_blocks,
    unit,
)

BLOCK = 1024
"""Rows of a block at most."""


class RowBlock:
    """Some rows, float32 [m, D], which nobody writes to, with what is found of them once."""

    def __init__(self, rows: NDArray[np.float32]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def units(self) -> NDArray[np.float32]:
        """The rows at length 1, float32 [m, D]."""
        return unit(self.rows)

    @cached_property
    def shortlist(self) -> Shortlist:
        """Finds the nearest of the rows."""
        return Shortlist(self.units)


class Blocks:
    """A table of M rows as blocks, in order; ``starts`` [B + 1] are the numbers of their first rows, and M.

    ``array`` is the array [M, D] that all blocks are views of, where there is one.
    """

    def __init__(self, parts: Sequence[RowBlock], array: NDArray[np.float32] | None = None) -> None:
        self.parts, self.array = tuple(parts), array
        self.starts = np.cumsum([0, *map(len, self.parts)])

    @classmethod
    def of(cls, rows: NDArray[np.float32]) -> Blocks:
        """Returns the blocks of an array [M, D], M > 0, without a copy."""
        return cls([RowBlock(rows[start : start + BLOCK]) for start in range(0, len(rows), BLOCK)], rows)

    def __len__(self) -> int:
        return int(self.starts[-1])

    @property
    def width(self) -> int:
        """D, the numbers of a row."""
        return int(self.parts[0].rows.shape[1])

    def whole(self) -> NDArray[np.float32]:
        """Returns all rows [M, D]; a copy where they are no single array."""
        return _joined([part.rows for part in self.parts]) if self.array is None else self.array

    def units(self) -> NDArray[np.float32]:
        """Returns all rows at length 1 [M, D]; a copy where there are several blocks."""
        return _joined([part.units for part in self.parts])

    def rows_at(self, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        """Returns the rows [R, D] of some numbers [R]."""
        return self._at(numbers, "rows")

    def units_at(self, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        """Returns the rows at length 1 [R, D] of some numbers [R]."""
        return self._at(numbers, "units")

    def _at(self, numbers: NDArray[np.int64], kind: str) -> NDArray[np.float32]:
        found = np.empty((len(numbers), self.width), dtype=np.float32)
        block = np.searchsorted(self.starts, numbers, side="right") - 1
        for number in np.unique(block).tolist():
            own = block == number
            found[own] = getattr(self.parts[number], kind)[numbers[own] - self.starts[number]]
        return found

    def added(self, rows: NDArray[np.float32]) -> Blocks:
        """Returns a table with further rows [R, D] at the end; the last block is filled up first."""
        last = self.parts[-1]
        if len(last) < BLOCK:
            return Blocks([*self.parts[:-1], *Blocks.of(np.concatenate([last.rows, rows])).parts])
        return Blocks([*self.parts, *Blocks.of(rows.copy()).parts])

    def kept(self, stay: NDArray[np.bool_]) -> Blocks:
        """Returns a table of the rows for which ``stay`` [M] is true; blocks that lose none are shared."""
        found = []
        for part, own in zip(self.parts, np.split(stay, self.starts[1:-1]), strict=True):
            if own.all():
                found.append(part)
            elif own.any():
                found.append(RowBlock(part.rows[own]))
        return Blocks(found)

    def nearest(
        self, queries: NDArray[np.float32], apart: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Returns what ``nearest`` returns of all rows at length 1, for ``unit`` vectors [Q, D]."""
        return nearest_of_blocks((part.units for part in self.parts), queries, apart)

    def nearest_several(
        self, queries: NDArray[np.float32], k: int, groups: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Returns what ``nearest_several`` returns of all rows at length 1, for ``unit`` vectors [Q, D]."""
        return several_of_blocks([part.units for part in self.parts], queries, k, groups)

    def nearest_listed(self, queries: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Returns what ``nearest`` returns, of the ``LISTED`` rows that the shortlists of all blocks have nearest."""
        rows, cosines = self.several_listed(queries, 1)
        return rows[:, 0], cosines[:, 0]

    def several_listed(
        self, queries: NDArray[np.float32], k: int, groups: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Returns what ``nearest_several`` returns, of the ``LISTED`` rows that the shortlists have nearest.

        A query of which these have fewer than k groups is compared with all rows.
        """
        found = [part.shortlist.listed(queries) for part in self.parts]
        cosines = np.concatenate([cosine for cosine, _ in found], axis=1)
        rows = np.concatenate(
            [row + start for (_, row), start in zip(found, self.starts, strict=False)], axis=1
        )
        best = np.argsort(-cosines, axis=1, kind="stable")[:, :LISTED]
        listed = np.sort(np.take_along_axis(rows, best, axis=1), axis=1)
        table = self.units_at(listed.reshape(-1)).reshape(*listed.shape, self.width)
        several, values = several_listed(table, listed, queries, k, groups)
        if len(short := np.flatnonzero(several[:, -1] < 0)):
            several[short], values[short] = self.nearest_several(queries[short], k, groups)
        return several, values


def _joined(arrays: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
