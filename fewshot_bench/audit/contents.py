"""Near-duplicates of contents and no pictures: 50,000 files of 200 contents are 200 to compare, and no pairs of files.

A search goes over the distinct contents. What it finds is told of one picture for each kind (see
``exposure.kinds_of``), with the number of pictures that it stands for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.audit import alike as search
from fewshot_bench.audit.alike import Alike, Signed
from fewshot_bench.audit.exposure import Ints, kinds_of
from fewshot_bench.data.index import ImageIndex


@dataclass(frozen=True, eq=False)
class Kinds:
    """The kinds of the M pictures of an index, in the order of their contents.

    ``rows [R]`` holds a picture of each kind and ``counts [R]`` how many pictures it stands for. The kinds of content
    c are ``starts[c]`` to ``starts[c + 1]``. ``stands_for [M]`` is the picture that stands for each.
    """

    rows: Ints
    counts: Ints
    starts: Ints
    stands_for: Ints

    @classmethod
    def of(cls, index: ImageIndex) -> Kinds:
        """Returns the kinds of all pictures of an index."""
        first, kind, counts = kinds_of(index, np.arange(len(index)))
        _, content = np.unique(index.digests[first], axis=0, return_inverse=True)
        order = np.argsort(content.reshape(-1), kind="stable")
        sizes = np.bincount(content.reshape(-1))
        return cls(first[order], counts[order], np.concatenate([[0], np.cumsum(sizes)]), first[kind])

    @property
    def contents(self) -> Ints:
        """A picture of each content."""
        return self.rows[self.starts[:-1]]


def alike(
    order: Ints, ours: Kinds, signed: Signed, base: Kinds | None = None, base_signed: Signed | None = None
) -> Iterator[Alike]:
    """Yields the near-duplicates of the contents ``order``, in pictures that stand for their kinds.

    ``signed [M, 776]`` are the signatures of the pictures, looked for among those of ``base_signed`` or, without it,
    among themselves, where pictures with the same content and of different kinds are near-duplicates too. ``done``
    counts contents.
    """
    gallery = None if base is None or base_signed is None else base_signed[base.contents]
    theirs = ours if base is None else base
    before = 0
    for part in search.alike(order, signed[ours.contents], gallery):
        same = order[before : part.done] if gallery is None else order[:0]
        same = same[np.diff(ours.starts)[same] > 1]
        rows, others = np.concatenate([part.rows, same]), np.concatenate([part.others, same])
        likeness = np.concatenate([part.likeness, np.ones(len(same))])
        pairs = np.diff(ours.starts)[rows] * np.diff(theirs.starts)[others]
        bounds = np.searchsorted(
            np.cumsum(pairs), np.arange(search.RESULTS, int(pairs.sum()), search.RESULTS)
        )
        cuts = np.unique(np.concatenate([[0], bounds + 1, [len(rows)]])).astype(np.int64)
        for start, end in pairwise(cuts.tolist()):
            last = end == len(rows)
            yield _expanded(
                ours, theirs, rows[start:end], others[start:end], likeness[start:end],
                part.done if last else before, part.candidates if last else 0,
            )  # fmt: skip
        if not len(rows):
            yield Alike(part.done, part.rows, part.others, part.likeness, part.candidates)
        before = part.done


def _expanded(
    ours: Kinds,
    theirs: Kinds,
    rows: Ints,
    others: Ints,
    likeness: NDArray[np.float64],
    done: int,
    candidates: int,
) -> Alike:
    """Returns pairs of contents as pairs of kinds, a kind with itself left out."""
    mine, yours = np.diff(ours.starts)[rows], np.diff(theirs.starts)[others]
    pair = np.repeat(np.arange(len(rows)), mine * yours)
    within = np.arange(len(pair)) - np.repeat(np.cumsum(mine * yours) - mine * yours, mine * yours)
    first = ours.starts[rows[pair]] + within // yours[pair]
    second = theirs.starts[others[pair]] + within % yours[pair]
    keep = (first != second) if ours is theirs else np.ones(len(pair), dtype=bool)
    first, second = first[keep], second[keep]
    return Alike(
        done,
        ours.rows[first],
        theirs.rows[second],
        likeness[pair[keep]],
        candidates + len(first),
        theirs.counts[second],
    )
