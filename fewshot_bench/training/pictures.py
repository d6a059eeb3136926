"""Pictures of an index as bytes, each decoded once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.index import ImageIndex
from fewshot_bench.data.memory import BUDGET

if TYPE_CHECKING:
    from PIL.Image import Image

Prepare = Callable[["Image"], NDArray[np.uint8]]
"""The function that makes the input of a network ``[3, S, S]`` of a picture: an encoder's ``prepare``."""


class PictureTable:
    """The pictures of an index as bytes, each decoded when it is first asked for.

    Memory grows with the pictures asked for. Where all pictures of the index would take more than ``keep`` bytes
    (None: no limit), none is kept and each is decoded whenever it is asked for.
    """

    def __init__(self, index: ImageIndex, prepare: Prepare, *, keep: int | None = None) -> None:
        self.index, self.prepare, self.keep = index, prepare, keep
        self._pictures: NDArray[np.uint8] | None = None
        self._place = np.full(len(index), -1, dtype=np.int64)
        self._count = 0
        self._lock = Lock()

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Returns pictures ``rows [...]``, at least one, as ``[..., 3, S, S]``; threads decode what is missing."""
        with self._lock:
            missing = np.unique(rows[self._place[rows] < 0])
            if missing.size:
                found = self._decoded(missing)
                if self.keep is not None and len(self.index) * found[0].nbytes > self.keep:
                    return np.stack(found)[np.searchsorted(missing, rows)]
                self._add(missing, found)
            assert self._pictures is not None
            return self._pictures[self._place[rows]]

    def _decoded(self, rows: NDArray[np.int64]) -> list[NDArray[np.uint8]]:
        def one(row: np.int64) -> NDArray[np.uint8]:
            with BUDGET.held():
                return self.prepare(self.index.reader(int(row)))

        with ThreadPoolExecutor() as pool:
            return list(pool.map(one, rows))

    def _add(self, rows: NDArray[np.int64], found: list[NDArray[np.uint8]]) -> None:
        """Stores pictures behind the others; the array doubles, so that each is copied a few times at most."""
        needed = self._count + len(rows)
        if self._pictures is None or needed > len(self._pictures):
            room = min(len(self.index), max(needed, 2 * self._count))
            grown = np.empty((room, *found[0].shape), dtype=np.uint8)
            if self._pictures is not None:
                grown[: self._count] = self._pictures[: self._count]
            self._pictures = grown
        self._pictures[self._count : needed] = found
        self._place[rows] = np.arange(self._count, needed)
        self._count = needed


def read_pictures(index: ImageIndex, rows: NDArray[np.int64], prepare: Prepare) -> NDArray[np.uint8]:
    """Returns pictures ``rows [...]`` as ``[..., 3, S, S]``; one that is asked for twice is decoded once."""
    return PictureTable(index, prepare, keep=0)[rows]
