"""Exposure: how many queries of an evaluation see a near-duplicate of themselves, and on which side of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.audit.alike import Alike
from fewshot_bench.data.index import QUERY, SUPPORT, ImageIndex
from fewshot_bench.protocols import Count

Ints = NDArray[np.int64]

COPY = 0.98
"""Likeness from which a near-duplicate counts as a copy: the picture saved again, scaled, made brighter.

Of 200 pictures of each of five sets and their copies (JPEG of quality 30, half the size, a tenth brighter, 2 % cut
off), 72 to 100 % reach it; of 10,918 near-duplicates of different classes in these sets none does
(``benchmarks/near_duplicates.py``).
"""

EXAMPLES = 3


@dataclass(eq=False)
class Tally:
    """The number of pictures that each of M pictures is paired with (``counts [M]``), and the first few pairs."""

    counts: Ints
    examples: list[tuple[int, int]] = field(default_factory=list)

    def add(self, rows: Ints, others: Ints, weights: Ints | int = 1) -> None:
        """Counts pairs by their first picture, each as often as ``weights`` says."""
        np.add.at(self.counts, rows, weights)
        for row, other in zip(rows.tolist(), others.tolist(), strict=True):
            if len(self.examples) == EXAMPLES:
                break
            if not {row, other} & {known for pair in self.examples for known in pair}:
                self.examples.append((row, other))


@dataclass(eq=False)
class Duplicates:
    """The near-duplicates of M pictures, and the copies among them."""

    look_alikes: Tally
    copies: Tally

    @classmethod
    def nothing(cls, size: int) -> Duplicates:
        """Returns a tally without pairs, for M = ``size`` pictures."""
        return cls(Tally(np.zeros(size, dtype=np.int64)), Tally(np.zeros(size, dtype=np.int64)))

    def add(self, part: Alike, keep: NDArray[np.bool_] | slice = slice(None)) -> None:
        """Counts some of the pairs that a search came upon."""
        rows, others, copied = part.rows[keep], part.others[keep], part.likeness[keep] >= COPY
        weights = np.ones(len(rows), dtype=np.int64) if part.weights is None else part.weights[keep]
        self.look_alikes.add(rows, others, weights)
        self.copies.add(rows[copied], others[copied], weights[copied])

    def spread(self, stands_for: Ints) -> None:
        """Gives each row the counts of the row that stands for it (``stands_for [M]``)."""
        for tally in (self.look_alikes, self.copies):
            tally.counts = tally.counts[stands_for]


@dataclass(eq=False)
class Exposure:
    """The near-duplicates of M evaluated pictures that they, as queries, may meet in a support.

    ``own`` are pictures of their class, ``foreign`` pictures of other classes. ``done`` are the rows looked at,
    which are all rows unless ``candidates`` became too many.
    """

    own: Duplicates
    foreign: Duplicates
    done: Ints
    candidates: int = 0


def exposure(index: ImageIndex, order: Ints, found: Iterable[Alike], max_candidates: int) -> Exposure:
    """Counts the near-duplicates that may meet as query and support.

    ``order`` are the rows that are searched for; the count is given up after ``max_candidates`` candidates. Pairs
    that groups and guards keep apart do not count.
    """
    total = Exposure(Duplicates.nothing(len(index)), Duplicates.nothing(len(index)), order[:0])
    for part in found:
        rows, others = part.rows, part.others
        meet = (index.pools[rows] & QUERY > 0) & (index.pools[others] & SUPPORT > 0)
        meet &= index.groups[rows] != index.groups[others]
        own = index.labels[rows] == index.labels[others]
        guarded = np.abs(index.positions[rows] - index.positions[others]) < index.guards[index.labels[rows]]
        total.own.add(part, meet & own & ~guarded)
        total.foreign.add(part, meet & ~own)
        total.done, total.candidates = order[: part.done], total.candidates + part.candidates
        if total.candidates > max_candidates:
            break
    return total


def overlap(size: int, order: Ints, found: Iterable[Alike], max_candidates: int) -> tuple[Duplicates, Ints]:
    """Returns the near-duplicates of M = ``size`` evaluated pictures in base data, and the rows looked at."""
    seen, done, candidates = Duplicates.nothing(size), order[:0], 0
    for part in found:
        seen.add(part)
        done, candidates = order[: part.done], candidates + part.candidates
        if candidates > max_candidates:
            break
    return seen, done


def share_facing(index: ImageIndex, own: Ints, rows: Ints, shots: Count) -> float:
    """Returns the mean chance, 0..1, that a query has a near-duplicate in its support.

    The queries are those of ``rows`` in the query pool. With n near-duplicates (``own [M]``) among the S support
    images that its class has for a query, and K shots, the chance is 1 - C(S - n, K) / C(S, K).
    """
    queries = rows[index.pools[rows] & QUERY > 0]
    exposed = queries[own[queries] > 0]
    if not len(exposed):
        return 0.0
    first, _, counts = kinds_of(index, exposed)
    sums = [
        _chance(int(own[row]), admitted, shots) * int(count)
        for row, admitted, count in zip(first, admissible(index, first), counts, strict=True)
    ]
    return float(sum(sums) / len(queries))


def kinds_of(index: ImageIndex, rows: Ints) -> tuple[Ints, Ints, Ints]:
    """Returns the kinds of the pictures ``rows [R]``: one row a kind, the kind of each [R], and how many each has.

    Pictures of one kind have the same content, class, group, pool, and place in a sequence that has a guard: what
    holds of one holds of all, and no two of them meet.
    """
    _, content = np.unique(index.digests[rows], axis=0, return_inverse=True)
    labels = index.labels[rows].astype(np.int64)
    places = np.where(index.guards[labels] > 0, index.positions[rows], 0)
    table = np.stack([content.reshape(-1), labels, index.groups[rows], index.pools[rows], places], axis=1)
    _, first, kind, counts = np.unique(
        table, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    return rows[first], kind.reshape(-1).astype(np.int64), counts.astype(np.int64)


def possible_pairs(index: ImageIndex, rows: Ints) -> tuple[int, int]:
    """Returns the numbers of pairs (query of ``rows``, support image) of one class, and of two classes."""
    classes = len(index.class_names)
    queries = np.bincount(index.labels[rows[index.pools[rows] & QUERY > 0]], minlength=classes)
    support = np.bincount(index.labels[index.pools & SUPPORT > 0], minlength=classes)
    own = int(queries @ support)
    return own, int(queries.sum()) * int(support.sum()) - own


def admissible(index: ImageIndex, rows: Ints) -> list[int]:
    """Returns, for each query of ``rows``, how many support images of its class no group or guard keeps away."""
    support = np.flatnonzero(index.pools & SUPPORT > 0)
    support = support[np.argsort(index.labels[support], kind="stable")]
    bounds = np.searchsorted(index.labels[support], np.arange(len(index.class_names) + 1))
    counts = []
    for row in rows:
        label = index.labels[row]
        own = support[bounds[label] : bounds[label + 1]]
        apart = index.groups[own] != index.groups[row]
        apart &= np.abs(index.positions[own] - index.positions[row]) >= index.guards[label]
        counts.append(int(apart.sum()))
    return counts


def _chance(near: int, admissible: int, shots: Count) -> float:
    if shots == "all" or shots > admissible - near:
        return 1.0
    missed = np.arange(shots)
    return float(1 - np.prod((admissible - near - missed) / (admissible - missed)))
