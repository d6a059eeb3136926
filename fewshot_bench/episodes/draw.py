"""Drawing the support and query images of one class, for many episodes at once.

The rule: order a class's support images by their random keys; the support of an episode is the first
K-subset in that (lexicographic) order which leaves enough admissible query images, from which the query is
then drawn uniformly. Where images exclude nothing but themselves the subset has a closed form; otherwise it
is taken greedily, and by backtracking in the few episodes in which the greedy choice runs into a dead end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.episodes.pools import ClassPool
from fewshot_bench.episodes.rng import IMAGES, REDRAW, SIDES, random_keys, smallest

Picks = NDArray[np.intp]
Mask = NDArray[np.bool_]

SEARCH_NODES = 5_000
"""Nodes that the backtracking search may visit before it gives up."""


@dataclass(frozen=True)
class ClassCounts:
    """What a class has to give in each of B episodes, int64 [B] each.

    ``shots`` is the number of support images; where ``exact`` is False fewer will do, but at least one.
    ``needed`` is the number of admissible query images that must remain, and at most ``queries`` of them are
    taken.
    """

    shots: NDArray[np.int64]
    needed: NDArray[np.int64]
    queries: NDArray[np.int64]
    exact: bool = True


def draw_class(
    pool: ClassPool, request: ClassCounts, seed: int, episodes: NDArray[np.int64], attempt: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64], Mask]:
    """Returns rows of support [B, K] and query [B, Q] images (−1 for padding), and bool [B]: the draw succeeded."""
    first, second = random_keys(seed, IMAGES + REDRAW * attempt, episodes[:, None], pool.rows)
    usable, admitted = _sides(pool, seed, episodes, attempt)
    order = smallest(first[:, pool.support], len(pool.support), usable)
    if pool.simple and not pool.spanning:
        support, open_ = _closed_form(pool, order, admitted, request)
    else:
        support, open_ = _greedy(pool, order, usable, admitted, request)
        if request.exact:
            _mend(pool, order, usable, admitted, request, support, open_)
    count = np.minimum(request.queries, open_.sum(axis=1))
    query = smallest(second[:, pool.query], int(request.queries.max(initial=0)), open_)
    query[np.arange(query.shape[1]) >= count[:, None]] = -1
    wanted = request.shots if request.exact else np.ones_like(request.shots)
    drawn = ((support >= 0).sum(axis=1) >= wanted) & (count >= np.minimum(request.needed, request.queries))
    return _rows(pool, pool.support, support), _rows(pool, pool.query, query), drawn


def feasible(pool: ClassPool, shots: int, needed: int) -> bool:
    """Returns whether some ``shots`` support images of the class leave ``needed`` admissible query images.

    The answer is exact for one shot, where images exclude nothing but themselves, and wherever the search ends
    within ``SEARCH_NODES`` nodes. A class whose search does not end is held to be infeasible.
    """
    if len(pool.support) < shots or len(pool.query) < needed:
        return False
    if pool.simple:
        return len(pool.support) - pool.shared + min(pool.shared, len(pool.query) - needed) >= shots
    excluded = pool.excluded(np.arange(len(pool.support)))
    if shots == len(pool.support):
        return bool((~excluded.any(axis=0)).sum() >= needed)
    cheapest = np.argsort(excluded.sum(axis=1), kind="stable")
    return search(excluded[cheapest], np.ones(len(pool.query), dtype=bool), shots, needed) is not None


def search(excluded: Mask, open_: Mask, shots: int, needed: int) -> list[int] | None:
    """Returns the first ``shots`` rows of ``excluded`` [S, T] that leave ``needed`` of ``open_`` [T].

    They are the first in lexicographic order. Returns None when there are none, or when none was found within
    ``SEARCH_NODES`` nodes.
    """

    def admissible(candidates: Picks, remaining: Mask) -> Picks:
        left = remaining.sum() - excluded[candidates][:, remaining].sum(axis=1)
        kept: Picks = candidates[left >= needed]
        return kept

    picks: list[int] = []
    branches = [(admissible(np.arange(len(excluded)), open_), open_)]
    for _ in range(SEARCH_NODES):
        candidates, remaining = branches[-1]
        if len(candidates) < shots - len(picks):
            branches.pop()
            if not branches:
                return None
            picks.pop()
            continue
        pick = int(candidates[0])
        picks.append(pick)
        if len(picks) == shots:
            return picks
        branches[-1] = (candidates[1:], remaining)
        remaining = remaining & ~excluded[pick]
        branches.append((admissible(candidates[1:], remaining), remaining))
    return None


def _sides(pool: ClassPool, seed: int, episodes: NDArray[np.int64], attempt: int) -> tuple[Mask, Mask]:
    """Returns which support images [B, S] and query images [B, T] an episode may use.

    A group that spans classes stands on one side of an episode, drawn for (episode, group), so that its classes
    can be drawn independently of each other.
    """
    size = len(episodes)
    if not pool.spanning:
        return np.ones((size, len(pool.support)), dtype=bool), np.ones((size, len(pool.query)), dtype=bool)
    stream = SIDES + REDRAW * attempt
    support_side = random_keys(seed, stream, episodes[:, None], pool.support_groups)[0] >> np.uint64(63) == 0
    query_side = random_keys(seed, stream, episodes[:, None], pool.query_groups)[0] >> np.uint64(63) == 1
    return support_side | ~pool.support_spanning, query_side | ~pool.query_spanning


def _closed_form(pool: ClassPool, order: Picks, open_: Mask, request: ClassCounts) -> tuple[Picks, Mask]:
    """Returns support [B, K] and remaining query images [B, T] where an image excludes nothing but itself.

    An image of both pools costs a query image; so many as leave ``needed`` of them may be taken.
    """
    twin = pool.twin[order]
    spare = len(pool.query) - request.needed
    eligible = (twin < 0) | ((twin >= 0).cumsum(axis=1) <= spare[:, None])
    taken = eligible & (eligible.cumsum(axis=1) <= request.shots[:, None])
    episode, column = np.nonzero(taken)
    support = np.full((len(order), int(request.shots.max(initial=0))), -1, dtype=np.intp)
    support[episode, taken.cumsum(axis=1)[episode, column] - 1] = order[episode, column]
    lost = twin[episode, column]
    open_[episode[lost >= 0], lost[lost >= 0]] = False
    return support, open_


def _greedy(
    pool: ClassPool, order: Picks, usable: Mask, admitted: Mask, request: ClassCounts
) -> tuple[Picks, Mask]:
    """Returns the result of taking each image, in order, that still leaves ``needed`` query images."""
    open_ = admitted.copy()
    support = np.full((len(order), int(request.shots.max(initial=0))), -1, dtype=np.intp)
    count = np.zeros(len(order), dtype=np.int64)
    active = np.arange(len(order))
    for column in range(order.shape[1]):
        picks = order[active, column]
        remaining = open_[active] & ~pool.excluded(picks)
        taken = (remaining.sum(axis=1) >= request.needed[active]) & usable[active, picks]
        rows = active[taken]
        support[rows, count[rows]] = picks[taken]
        open_[rows] = remaining[taken]
        count[rows] += 1
        active = active[count[active] < request.shots[active]]
        if not active.size:
            break
    return support, open_


def _mend(
    pool: ClassPool,
    order: Picks,
    usable: Mask,
    admitted: Mask,
    request: ClassCounts,
    support: Picks,
    open_: Mask,
) -> None:
    """Searches, in place, the episodes in which the greedy choice ended with too few support images."""
    short = np.flatnonzero((support >= 0).sum(axis=1) < request.shots)
    if not short.size:
        return
    excluded = pool.excluded(np.arange(len(pool.support)))
    for episode in short:
        candidates = order[episode][usable[episode, order[episode]]]
        shots, needed = int(request.shots[episode]), int(request.needed[episode])
        found = search(excluded[candidates], admitted[episode], shots, needed)
        if found is not None:
            support[episode, :shots] = candidates[found]
            open_[episode] = admitted[episode] & ~excluded[candidates[found]].any(axis=0)


def _rows(pool: ClassPool, columns: Picks, picks: Picks) -> NDArray[np.int64]:
    """Returns the row numbers of the index for places in ``columns``; −1 stays."""
    rows = np.append(pool.rows[columns], -1)
    return rows[picks]
