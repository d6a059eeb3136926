"""Methods that look at pictures outside of the episode: the whole table, other episodes, earlier calls."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from fsbench_museum.honest import Honest, means, nearest


def standardised(table):
    return (table - table.mean(0)) / (table.std(0) + 1e-6)


class WholeTableMean(Honest):
    """Subtracts the mean of all test pictures and scales to unit length."""

    def solve(self, table, tasks):
        centred = table - table.mean(0)
        return nearest(centred / np.linalg.norm(centred, axis=1, keepdims=True), tasks)


class WholeTableStatistics(Honest):
    """Standardises by mean and deviation of the whole data set, test pictures included."""

    def solve(self, table, tasks):
        return nearest(standardised(table), tasks)


class WholeTableWhitening(Honest):
    """Whitens by the covariance of all test pictures."""

    def solve(self, table, tasks):
        _, sizes, axes = np.linalg.svd(table - table.mean(0), full_matrices=False)
        return nearest((table - table.mean(0)) @ axes[:10].T / (sizes[:10] + 1e-3), tasks)


class WholeTableClusters(Honest):
    """Moves each picture to the centre of its cluster among all test pictures."""

    def solve(self, table, tasks):
        centres = table[:: max(1, len(table) // 10)].copy()
        for _ in range(5):
            near = np.linalg.norm(table[:, None] - centres[None], axis=2).argmin(1)
            centres = np.stack(
                [table[near == c].mean(0) if (near == c).any() else centres[c] for c in range(len(centres))]
            )
        return nearest(table + centres[near], tasks)


class WholeTableNeighbours(Honest):
    """Replaces each picture by the mean of its neighbours among all test pictures."""

    def solve(self, table, tasks):
        apart = np.linalg.norm(table[:, None] - table[None], axis=2)
        return nearest(table[np.argsort(apart, axis=1)[:, :4]].mean(1), tasks)


class RowNumbers(Honest):
    """Takes a row number for a sign of the class, as in a table that is sorted by class."""

    def solve(self, table, tasks):
        rows = np.arange(len(table), dtype=np.float64)[:, None]
        return nearest(np.concatenate([table, rows], axis=1), tasks)


class SortedClasses(Honest):
    """Takes classes to stand in the order of their rows, and favours the one with the smallest."""

    def solve(self, table, tasks):
        first = np.where(tasks.support < 0, len(table), tasks.support).min(2)
        return nearest(table, tasks) + (first == first.min(1, keepdims=True))[:, None]


def joined_groups(supports, size):
    """The number of the group of each row, where rows that stood together in a support are one group."""
    group = np.arange(size)
    for rows in supports:
        known = group[rows[rows >= 0]]
        if len(known):
            group[np.isin(group, known)] = known.min()
    return group


def by_group(table, tasks, supports):
    """Nearest class mean, but a query that is known to be of a class's group is of that class."""
    group = joined_groups(supports, len(table))
    same = (group[tasks.query][:, :, None, None] == group[tasks.support][:, None]) & (tasks.support >= 0)[
        :, None
    ]
    return nearest(table, tasks) + 100.0 * same.any(3)


class LinkedEpisodes(Honest):
    """Joins pictures that stand together in the support of any episode of the batch."""

    def solve(self, table, tasks):
        return by_group(table, tasks, tasks.support.reshape(-1, tasks.shots))


class RemembersSupports(Honest):
    """Remembers all support sets that it was ever given."""

    def __init__(self, config=None):
        super().__init__(config)
        self.seen = []

    def solve(self, table, tasks):
        scores = by_group(table, tasks, self.seen)
        self.seen += list(tasks.support.reshape(-1, tasks.shots))
        return scores


class RemembersInTheModule(Honest):
    """Remembers them in its module, where a new object finds them."""

    seen: list = []  # noqa: RUF012

    def solve(self, table, tasks):
        scores = by_group(table, tasks, self.seen)
        self.seen.extend(tasks.support.reshape(-1, tasks.shots))
        return scores


class RemembersVectors(Honest):
    """Remembers the vectors of support sets, whatever their row numbers are."""

    def __init__(self, config=None):
        super().__init__(config)
        self.partners = {}

    def solve(self, table, tasks):
        scores = nearest(table, tasks)
        for e, n, _ in np.ndindex(tasks.support.shape):
            shots = {table[row].tobytes() for row in tasks.support[e, n] if row >= 0}
            for q, row in enumerate(tasks.query[e]):
                if row >= 0 and self.partners.get(table[row].tobytes(), set()) & shots:
                    scores[e, q, n] = 100.0
        for rows in tasks.support.reshape(-1, tasks.shots):
            shots = {table[row].tobytes() for row in rows if row >= 0}
            for shot in shots:
                self.partners.setdefault(shot, set()).update(shots)
        return scores


class RemembersInAFile(Honest):
    """Writes support sets to a file, from which later calls and later runs read."""

    def setup(self, context):
        super().setup(context)
        self.file = Path(tempfile.gettempdir()) / f"fsbench-museum-{id(context)}.txt"
        self.file.unlink(missing_ok=True)

    def solve(self, table, tasks):
        text = self.file.read_text() if self.file.exists() else ""
        known = [np.array(line.split(), dtype=int) for line in text.splitlines()]
        scores = by_group(table, tasks, known)
        lines = [" ".join(map(str, rows)) for rows in tasks.support.reshape(-1, tasks.shots)]
        self.file.write_text(text + "\n".join(lines) + "\n")
        return scores


class BatchMean(Honest):
    """Subtracts the mean of all pictures of all episodes of the batch."""

    def solve(self, table, tasks):
        used = np.concatenate([tasks.support.ravel(), tasks.query.ravel()])
        centred = table - table[used[used >= 0]].mean(0)
        return nearest(centred / (np.linalg.norm(centred, axis=1, keepdims=True) + 1e-6), tasks)


class BatchNormOfSupports(Honest):
    """Standardises by the support of all episodes of the batch."""

    def solve(self, table, tasks):
        used = table[tasks.support[tasks.support >= 0]]
        return nearest((table - used.mean(0)) / (used.std(0) + 1e-3), tasks)


class LargeBatchesOnly(Honest):
    """Cheats only where many episodes come at once, so that small trials see nothing."""

    def solve(self, table, tasks):
        return nearest(standardised(table) if len(tasks) > 16 else table, tasks)


class RunningMean(Honest):
    """Keeps a running mean of class means, which later episodes are centred by."""

    def __init__(self, config=None):
        super().__init__(config)
        self.mean = 0.0

    def solve(self, table, tasks):
        scores = nearest(
            (table - self.mean) / (np.linalg.norm(table - self.mean, axis=1, keepdims=True)), tasks
        )
        self.mean = 0.9 * self.mean + 0.1 * means(table, tasks).mean((0, 1))
        return scores


class WritesIntoTheTable(Honest):
    """Overwrites the pictures of the support by their class mean, for episodes to come."""

    def solve(self, table, tasks):
        scores = nearest(table, tasks)
        table[tasks.support] = means(table, tasks)[:, :, None]
        return scores


class WritesIntoTheTasks(Honest):
    """Sorts the queries of the episodes that it is given."""

    def solve(self, table, tasks):
        scores = nearest(table, tasks)
        tasks.query.sort(axis=1)
        return scores


CHEATS = {
    WholeTableMean: "own-rows",
    WholeTableStatistics: "own-rows",
    WholeTableWhitening: "own-rows",
    WholeTableClusters: "own-rows",
    WholeTableNeighbours: "own-rows",
    RowNumbers: "own-rows",
    SortedClasses: "own-rows",
    LinkedEpisodes: "linked-episodes",
    RemembersSupports: "history",
    RemembersInTheModule: "history",
    RemembersVectors: "history",
    RemembersInAFile: "history",
    BatchMean: "batch",
    BatchNormOfSupports: "batch",
    LargeBatchesOnly: "batch",
    RunningMean: "repeat",
    WritesIntoTheTable: "inputs",
    WritesIntoTheTasks: "inputs",
}
"""Each method of this module -> the check that catches it."""
