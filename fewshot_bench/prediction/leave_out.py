"""References held out, so that each picture is scored without itself, and without its class."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.index import ImageIndex

Rows = NDArray[np.int64]

FOLDS = 10
"""The largest number of parts that are held out in turn, each from a support of its own."""


class Labelled(Protocol):
    """Folds are made of one of these: an ImageIndex, or the references of a recogniser."""

    @property
    def labels(self) -> NDArray[np.int32]:
        """int32 [M], the class of each picture."""
        ...

    @property
    def groups(self) -> Rows:
        """int64 [M], equal for pictures that are never parted."""
        ...

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes."""
        ...


class HeldOut(NamedTuple):
    """The parts with which M pictures leave the support.

    ``fold`` [M] is the part of a picture (−1 for none), and ``asked`` [M] says whether it is scored then.
    """

    fold: Rows
    asked: NDArray[np.bool_]


def support_of(labels: NDArray[np.integer], rows: Rows) -> Rows:
    """Returns the ``rows`` of each class that has one, int64 [N, K], in order and padded with −1.

    ``labels`` are those of all pictures.
    """
    _, classes, counts = np.unique(labels[rows], return_inverse=True, return_counts=True)
    order = np.argsort(classes, kind="stable")
    support = np.full((len(counts), int(counts.max(initial=0))), -1, dtype=np.int64)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    support[classes[order], place] = rows[order]
    return support


def known(index: Labelled, generator: np.random.Generator) -> HeldOut:
    """Returns folds of one group in ``FOLDS`` of each class, at least one and never all.

    A class of one group stays whole.
    """
    _, first, group = np.unique(index.groups, return_index=True, return_inverse=True)
    owner = index.labels[first]
    order = np.lexsort((generator.permutation(len(owner)), owner))
    counts = np.bincount(owner, minlength=len(index.class_names))
    place = np.empty(len(owner), dtype=np.int64)
    place[order] = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    fold = np.where(counts[owner] > 1, place % FOLDS, -1)[group.reshape(-1)]
    return HeldOut(fold, fold >= 0)


def unknown(index: ImageIndex, generator: np.random.Generator) -> HeldOut:
    """Returns folds of one class in ``FOLDS``, at least one, so that two classes are left.

    Of two classes none is held out. A picture whose content is in another class too is not scored, since it would
    not be unknown.
    """
    classes = len(index.class_names)
    if classes < 3:
        return HeldOut(np.full(len(index), -1), np.zeros(len(index), dtype=bool))
    fold = (generator.permutation(classes) % FOLDS)[index.labels]
    _, content = np.unique(index.digests, axis=0, return_inverse=True)
    content = content.reshape(-1)
    low, high = np.full(len(content), classes), np.full(len(content), -1)
    np.minimum.at(low, content, index.labels)
    np.maximum.at(high, content, index.labels)
    return HeldOut(fold, (low == high)[content])
