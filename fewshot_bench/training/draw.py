"""Pairs and triplets of pictures, drawn at random: pure functions of labels and a generator."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import FsbenchError


class Drawn(NamedTuple):
    """``rows [P, 2]`` of pairs or ``[P, 3]`` of triplets (anchor, positive, negative), and ``same [P]``.

    ``same`` is whether a pair shows one class; all True for triplets.
    """

    rows: NDArray[np.int64]
    same: NDArray[np.bool_]


def draw_triplets(labels: NDArray[np.integer], count: int, rng: np.random.Generator) -> Drawn:
    """Draws ``count`` triplets: two different pictures of one class, and one of another; ``labels [M]``.

    Each class with two pictures is equally often the anchor's, and each other class equally often the negative's.
    Raises FsbenchError where no class has two pictures, or where there is no other class.
    """
    _, classes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    rows, starts = np.argsort(classes, kind="stable"), np.cumsum(sizes) - sizes
    paired = np.flatnonzero(sizes > 1)
    if not len(paired) or len(sizes) < 2:
        raise FsbenchError(
            f"The base data has {len(paired)} classes with two pictures and {len(sizes)} classes in all: pairs need "
            "a class with two pictures and another class; train on another data set with --train-dataset."
        )
    chosen = rng.choice(paired, count)
    other = (chosen + rng.integers(1, len(sizes), count)) % len(sizes)
    anchor = rng.integers(sizes[chosen])
    positive = (anchor + rng.integers(1, sizes[chosen])) % sizes[chosen]
    places = [starts[chosen] + anchor, starts[chosen] + positive, starts[other] + rng.integers(sizes[other])]
    return Drawn(rows[np.stack(places, axis=1)], np.ones(count, dtype=bool))


def draw_pairs(labels: NDArray[np.integer], count: int, p_same: float, rng: np.random.Generator) -> Drawn:
    """Draws ``count`` pairs: with probability ``p_same`` (0..1) an anchor and its positive, else and its negative."""
    anchor, positive, negative = draw_triplets(labels, count, rng).rows.T
    same = rng.random(count) < p_same
    return Drawn(np.stack([anchor, np.where(same, positive, negative)], axis=1), same)
