"""The nearest references of some queries, and what is left of that after references came or went."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Found = tuple[NDArray[np.int64], NDArray[np.float64]]
"""Rows of references [R], −1 for none, and a cosine with each [R]."""

Search = Callable[[NDArray[np.int64]], Found]
"""Finds the nearest references of numbered queries [R]."""


class Near(NamedTuple):
    """References ``rows`` [R], the nearest other reference of each [R] (−1: none) and its cosine [R]."""

    rows: NDArray[np.int64]
    nearest: NDArray[np.int64]
    cosines: NDArray[np.float64]


def updated(
    known: Near, place: NDArray[np.int64], new: NDArray[np.int64], anew: Search, among_new: Search
) -> Near:
    """Returns the nearest references after a change: those that stay are now at ``place`` [M] (−1: gone).

    ``anew`` searches all references for the queries whose nearest is gone or unknown (−1), and ``among_new`` those that
    were added, ``new``.
    """
    best = np.where(known.nearest >= 0, np.append(place, -1)[known.nearest], -1)
    gone = best < 0
    cosines = np.where(gone, -np.inf, known.cosines)
    if gone.any():
        best[gone], cosines[gone] = anew(known.rows[gone])
    if len(new):
        closer, value = among_new(known.rows)
        better = value > cosines
        best[better], cosines[better] = closer[better], value[better]
    return Near(known.rows, best, cosines)
