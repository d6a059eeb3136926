"""Variants of episodes: padded, turned, linked, cut to their own rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.episodes.tasks import Tasks

Ints = NDArray[np.int64]


def padded(tasks: Tasks) -> Tasks:
    """Returns the episodes with room for one more shot and one more query."""
    blank = [(0, 0)] * 2 + [(0, 1)]
    return Tasks(
        np.pad(tasks.support, blank, constant_values=-1), np.pad(tasks.query, blank[1:], constant_values=-1)
    )


def with_absent_class(tasks: Tasks) -> Tasks:
    """Returns the episodes with room for one more class, which none of them has."""
    support = np.pad(tasks.support, [(0, 0), (0, 1), (0, 0)], constant_values=-1)
    return Tasks(support, tasks.query)


def turned(tasks: Tasks, steps: int) -> tuple[Tasks, Ints]:
    """Returns the episodes with their classes moved round, and ``order [N]``: the old number of each new class."""
    order = np.roll(np.arange(tasks.ways), steps)
    return Tasks(tasks.support[:, order], tasks.query), order


def linked(tasks: Tasks, labels: Ints, number: int) -> Tasks:
    """Returns episodes whose support holds pictures of each class that are queries in ``tasks``.

    A method that remembers what stood together learns from them which class a query of ``tasks`` has. ``number``
    chooses the queries: different numbers show different ones.
    """
    support = tasks.support.copy()
    for episode in range(len(tasks)):
        for way in range(tasks.ways):
            own = tasks.query[episode, labels[episode] == way]
            if len(own):
                support[episode, way, 1:] = np.resize(np.roll(own, -number), tasks.shots - 1)
    return Tasks(support, tasks.support.reshape(len(tasks), -1))


def joined(parts: list[Tasks]) -> Tasks:
    """Returns the episodes of all parts as one batch; the queries are padded to the longest."""
    width = max(part.query.shape[1] for part in parts)
    queries = [np.pad(p.query, [(0, 0), (0, width - p.query.shape[1])], constant_values=-1) for p in parts]
    return Tasks(np.concatenate([part.support for part in parts]), np.concatenate(queries))


def cut(table: NDArray[Any], tasks: Tasks, seed: int) -> tuple[NDArray[Any], Tasks]:
    """Returns a table of the rows that the episodes use, in an order drawn by ``seed``, and the episodes on it."""
    used = np.unique(np.concatenate([tasks.support.ravel(), tasks.query.ravel()]))
    used = np.random.default_rng(seed).permutation(used[used >= 0])
    place = np.full(len(table) + 1, -1, dtype=np.int64)
    place[used] = np.arange(len(used))
    return table[used], Tasks(place[tasks.support], place[tasks.query], tasks.names)
