"""Ranks of a table: ranges, from the paired differences of all pairs, corrected for their number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.metrics import (
    PairedDifferences,
    better,
    paired_episodes,
    paired_jackknife,
    rank_distribution,
    rank_ranges,
)
from fewshot_bench.records import Record
from fewshot_bench.report.measure import mean_deletion, mean_episodes

Trainings = Sequence[Record]


def ranges(rows: Sequence[Trainings], measure: str) -> list[tuple[int, int]]:
    """Returns the range of ranks of each row of one table: 1 + how many are better, to M − how many are worse.

    Better means that the paired difference is significant at a family-wise error of 5 % (Holm). It is over classes
    where both rows have a jackknife over classes, else over episodes; where there is neither, rows share all ranks.
    """
    return rank_ranges(better_than(rows, measure))


def better_than(rows: Sequence[Trainings], measure: str) -> NDArray[np.bool_]:
    """Returns ``[M, M]``: whether the row is better than the column."""
    return better(pairs(rows, measure))


def deleted(rows: Sequence[Trainings], measure: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns the means of all rows, ``[M]``, and their means without each class, ``[M, C]``; NaN where not known."""
    deletions = [mean_deletion(row, measure) for row in rows]
    width = max(len(found.without) for found in deletions)
    without = np.full((len(rows), max(2, width)), np.nan)
    for row, found in zip(without, deletions, strict=True):
        if width and len(found.without) == width:
            row[:] = found.without
    return np.array([found.mean for found in deletions]), without


def distribution(rows: Sequence[Trainings], measure: str) -> NDArray[np.float64]:
    """Returns ``[M, M]``: how often a row has each rank when classes are drawn anew; NaN where that is not known."""
    return rank_distribution(*deleted(rows, measure))


def pairs(rows: Sequence[Trainings], measure: str) -> PairedDifferences:
    """Returns the differences of all pairs of rows."""
    over_classes = paired_jackknife(*deleted(rows, measure))
    episodes = [mean_episodes(row, measure) for row in rows]
    if any(one is None or len(one) < 2 for one in episodes):
        return over_classes
    return over_classes.where_unknown(paired_episodes(np.stack([e for e in episodes if e is not None])))
