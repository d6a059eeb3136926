"""Ranking: average precision of each query over the support images, and precision-recall curves.

AP = Σₙ (Rₙ − Rₙ₋₁) · Pₙ over the distinct scores in falling order, Rₙ and Pₙ recall and precision of all
items scored at least that high: scikit-learn's ``average_precision_score``, so that items of equal score
count as one step and the order in which they happen to be stored has no influence.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.metrics.accuracy import require_numbers

Floats = NDArray[np.floating]
Mask = NDArray[np.bool_]

MEMORY = 256 * 2**20
"""Bytes that a call may use beside its arguments and result, unless one query alone needs more."""

_BYTES = 64  # of temporary arrays, for one query and item


class MeanAveragePrecision(NamedTuple):
    """A mean over ``queries`` queries; ``excluded`` further ones had nothing relevant to find."""

    value: float
    queries: int
    excluded: int


class Curve(NamedTuple):
    """Precision at each recall, both [L] in 0 … 1."""

    recall: NDArray[np.float64]
    precision: NDArray[np.float64]


class _Ranked(NamedTuple):
    """Items of B queries in falling order of score.

    ``hits`` [B, S] counts the relevant items down to each place, ``precision`` [B, S] is their share, ``ends`` [B, S]
    marks the last of items with equal scores, and ``total`` [B] counts all relevant items.
    """

    hits: NDArray[np.int64]
    precision: NDArray[np.float64]
    ends: Mask
    total: NDArray[np.int64]


def average_precision(
    scores: Floats, relevant: Mask, present: Mask | None = None, memory: int = MEMORY
) -> NDArray[np.float64]:
    """Returns the AP of each query: ``scores`` [Q, S] and ``relevant`` [Q, S] -> [Q], 0 to 1.

    NaN where nothing is relevant: the measure is not defined there (scikit-learn warns and gives 0). Items
    that are not ``present`` [Q, S] are padding, ignored. FsbenchError for a NaN score.
    """
    result = np.empty(len(scores))
    for part in _parts(scores, memory):
        ranked = _rank(scores, relevant, present, part)
        at_end = np.where(ranked.ends, ranked.hits, 0)
        before = np.zeros_like(at_end)
        np.maximum.accumulate(at_end[:, :-1], axis=1, out=before[:, 1:])
        gain = np.where(ranked.ends, ranked.hits - before, 0)
        area = (gain * ranked.precision).sum(axis=1)
        result[part] = np.where(ranked.total > 0, area / ranked.total.clip(min=1), np.nan)
    return result


def class_score_ap(
    scores: Floats, labels: NDArray[np.integer], support_counts: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Returns the AP of each query when a support image is ranked by the score of its class: [E, Q].

    ``scores`` [E, Q, N], ``labels`` [E, Q] (−1: padding, NaN here), ``support_counts`` [E, N] images m of
    each class. A query's relevant images are all tied, so that its AP is the precision at their score:
    m_y / Σ_{n: s_n ≥ s_y} m_n. NaN where m_y = 0. FsbenchError for a NaN score.
    """
    valid = labels >= 0
    require_numbers(scores, valid)
    label = labels.clip(min=0)
    own = np.take_along_axis(scores, label[:, :, None], axis=2)
    found = np.einsum("eqn,en->eq", scores >= own, support_counts)
    relevant = np.take_along_axis(support_counts, label, axis=1)
    return np.where(valid & (relevant > 0), relevant / found.clip(min=1), np.nan)


def mean_average_precision(ap: Floats) -> MeanAveragePrecision:
    """Returns the mAP: the mean of the APs that are defined, with the number of those and of the others."""
    defined = ~np.isnan(ap)
    count = int(defined.sum())
    value = float(ap[defined].mean()) if count else float("nan")
    return MeanAveragePrecision(value, count, int(ap.size) - count)


def pooled_precision_recall(
    scores: Floats, relevant: Mask, present: Mask | None = None, levels: int = 101, memory: int = MEMORY
) -> Curve:
    """Returns precision at ``levels`` equal steps of recall, all (query, item) pairs in one ranking (micro average).

    At each recall it is the precision of the highest threshold that reaches it; at recall 0, that of the best score.
    The curve has a meaning where scores can be compared across queries (probabilities, cosines). The function sorts
    the relevant scores alone and counts the others, so that memory does not grow with queries × items.
    """
    recall = np.linspace(0.0, 1.0, levels)
    hits = np.sort(scores[relevant if present is None else relevant & present])[::-1]
    if not hits.size:
        return Curve(recall, np.full(levels, np.nan))
    best = max(_items(scores, present, part).max() for part in _parts(scores, memory))
    thresholds = np.concatenate([[best], hits[_items_needed(recall[1:], len(hits)) - 1]])
    found = np.zeros(levels, dtype=np.int64)
    for part in _parts(scores, memory):
        reached = np.searchsorted(thresholds[::-1], _items(scores, present, part).ravel(), side="right")
        found += np.bincount(reached, minlength=levels + 1)[::-1].cumsum()[:levels]
    return Curve(recall, np.searchsorted(-hits, -thresholds, side="right") / found)


def mean_precision_recall(
    scores: Floats, relevant: Mask, present: Mask | None = None, levels: int = 101, memory: int = MEMORY
) -> Curve:
    """Returns the mean over queries of the interpolated curve: the largest precision at any recall ≥ r (macro).

    ``levels`` equal steps of recall; 11 gives the classic eleven points (Manning et al., "Introduction to
    Information Retrieval", section 8.4). Queries with nothing relevant are left out; NaN when all are.
    """
    recall = np.linspace(0.0, 1.0, levels)
    total, queries = np.zeros(levels), 0
    for part in _parts(scores, memory):
        ranked = _rank(scores, relevant, present, part)
        precision = np.where(ranked.ends, ranked.precision, 0.0)
        best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        defined = np.flatnonzero(ranked.total)
        needed = _items_needed(recall, ranked.total[defined, None])
        place = _first_reaching(ranked.hits[defined], needed)
        total += np.take_along_axis(best[defined], place, axis=1).sum(axis=0)
        queries += len(defined)
    return Curve(recall, total / queries if queries else np.full(levels, np.nan))


def _items(scores: Floats, present: Mask | None, part: slice) -> Floats:
    """Returns the scores of a part of the queries, −inf where there is no item; raises FsbenchError for a NaN."""
    items = scores[part] if present is None else np.where(present[part], scores[part], -np.inf)
    require_numbers(items, np.ones(len(items), dtype=bool))
    return items


def _rank(scores: Floats, relevant: Mask, present: Mask | None, part: slice) -> _Ranked:
    """Sorts a part of the queries; a place that holds no item counts neither as relevant nor as found."""
    items = _items(scores, present, part)
    order = np.argsort(items, axis=1)[:, ::-1]
    falling = np.take_along_axis(items, order, axis=1)
    ends = np.ones(order.shape, dtype=bool)
    ends[:, :-1] = falling[:, :-1] != falling[:, 1:]
    here = relevant[part] if present is None else relevant[part] & present[part]
    hits = np.take_along_axis(here, order, axis=1).cumsum(axis=1)
    found = np.arange(1, order.shape[1] + 1)
    if present is not None:
        found = np.take_along_axis(present[part], order, axis=1).cumsum(axis=1).clip(min=1)
    return _Ranked(hits, hits / found, ends, here.sum(axis=1))


def _items_needed(recall: NDArray[np.float64], total: NDArray[np.int64] | int) -> NDArray[np.int64]:
    """Returns the fewest relevant items, of ``total``, that make up a recall."""
    return np.ceil(recall * total - 1e-9).astype(np.int64)


def _first_reaching(hits: NDArray[np.int64], needed: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the first place of each row of ``hits`` [B, S] (rising, 0 … S) that reaches ``needed`` [B, L]: [B, L].

    One binary search for all rows, each lifted above the one before.
    """
    queries, items = hits.shape
    row = np.arange(queries)[:, None]
    places = np.searchsorted((hits + row * (items + 1)).ravel(), needed + row * (items + 1))
    return np.asarray(places - row * items)


def _parts(scores: Floats, memory: int) -> Iterator[slice]:
    """Returns slices of queries that fit the budget."""
    step = max(1, memory // (_BYTES * max(1, scores.shape[1])))
    return (slice(start, start + step) for start in range(0, len(scores), step))
