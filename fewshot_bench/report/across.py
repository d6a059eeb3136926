"""Across tables: how often one method is above another, and average ranks over data sets with a critical difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.report.leaderboard import Standing, Table

Floats = NDArray[np.float64]

LEVEL = 0.05
LEAST_METHODS, LEAST_SETS = 3, 4
"""An average rank of fewer says nothing."""


@dataclass(frozen=True, eq=False)
class AverageRanks:
    """Average ranks ``[k]`` of k methods over n data sets, best first, and Nemenyi's critical difference.

    Two methods whose average ranks differ by less than ``critical`` cannot be told apart at a family-wise error of 5 %:
    CD = q √(k (k + 1) / (6 n)), q being the quantile of the studentized range over √2 (Demšar, JMLR 2006).
    """

    methods: tuple[str, ...]
    ranks: Floats
    datasets: tuple[str, ...]
    critical: float


def plain(table: Table) -> dict[str, Standing]:
    """Returns for each method of a table the standing that changes the fewest parameters; of equals the better."""
    found: dict[str, Standing] = {}
    for one in table.standings:
        held = found.get(one.name)
        if held is None or len(one.record.parameters_set) < len(held.record.parameters_set):
            found[one.name] = one
    return found


def scores(tables: Sequence[Table]) -> tuple[list[str], Floats]:
    """Returns the methods of several tables and their headlines ``[methods, tables]``, NaN where a method is not in."""
    each = [plain(table) for table in tables]
    methods = sorted({name for held in each for name in held})
    found = np.full((len(methods), len(tables)), np.nan)
    for column, held in enumerate(each):
        for row, name in enumerate(methods):
            if name in held:
                found[row, column] = held[name].headline[1].mean
    return methods, found


def win_rates(found: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Returns ``[M, M]``: in which share of the tables that both are in the row is above the column, and their number.

    Equal scores count half. NaN where no table has both.
    """
    there = ~np.isnan(found)
    shared = there.astype(np.int64) @ there.T.astype(np.int64)
    filled = np.where(there, found, 0.0)
    both = there[:, None] & there[None]
    above = (both & (filled[:, None] > filled[None])).sum(axis=2)
    equal = (both & (filled[:, None] == filled[None])).sum(axis=2)
    with np.errstate(invalid="ignore"):
        rate = np.where(shared > 0, (above + equal / 2) / np.maximum(shared, 1), np.nan)
    np.fill_diagonal(rate, np.nan)
    return rate, shared


def average_ranks(tables: Sequence[Table]) -> AverageRanks | None:
    """Returns average ranks over data sets of the largest group of methods that all of some data sets have.

    The rank on a data set is that of the mean over its tables in which all of the group stand. None where there are
    fewer than three methods or four data sets.
    """
    methods, found = scores(tables)
    names = [f"{table.first.dataset}:{table.first.variant}" for table in tables]
    there = ~np.isnan(found)
    order = sorted(range(len(methods)), key=lambda row: (-len(_sets(there[row], names)), methods[row]))
    best: tuple[int, list[int], NDArray[np.bool_]] | None = None
    for k in range(LEAST_METHODS, len(order) + 1):
        rows = order[:k]
        complete = np.asarray(there[rows].all(axis=0))
        sets = len(_sets(complete, names))
        if sets >= LEAST_SETS and (best is None or k * sets > best[0]):
            best = k * sets, rows, complete
    if best is None:
        return None
    _, rows, complete = best
    datasets = tuple(sorted(_sets(complete, names)))
    inside = [complete & (np.array(names) == name) for name in datasets]
    means = np.array([found[rows][:, there].mean(axis=1) for there in inside])
    return ranked(tuple(methods[row] for row in rows), means, datasets)


def ranked(methods: tuple[str, ...], means: Floats, datasets: tuple[str, ...]) -> AverageRanks:
    """Returns the average ranks of methods from their means ``[n, k]`` on n data sets; equal means share a rank."""
    from scipy.stats import rankdata, studentized_range

    n, k = means.shape
    ranks = rankdata(-means, axis=1).mean(axis=0)
    critical = float(studentized_range.ppf(1 - LEVEL, k, np.inf)) / 2**0.5 * (k * (k + 1) / (6 * n)) ** 0.5
    order = np.argsort(ranks, kind="stable")
    return AverageRanks(tuple(methods[i] for i in order), ranks[order], datasets, critical)


def _sets(complete: NDArray[np.bool_], names: Sequence[str]) -> set[str]:
    return {name for there, name in zip(complete, names, strict=True) if there}
