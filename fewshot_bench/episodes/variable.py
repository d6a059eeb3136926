"""Variable ways and shots, drawn as Meta-Dataset draws them.

Triantafillou et al., "Meta-Dataset: a dataset of datasets for learning to learn from few examples" (ICLR
2020), section 3.2 and appendix; constants as in its published configuration. For an episode with classes c
of |I_c| images:

    ways   uniform in [5, min(50, C)]
    q   =  min(10, min_c ⌊|I_c| / 2⌋)                  query images, the same for every class
    |S| =  min(500, Σ_c ⌈β · min(100, |I_c| − q)⌉)      β uniform in (0, 1]
    k_c =  min(⌊R_c · (|S| − ways)⌋ + 1, |I_c| − q)     R_c ∝ |I_c| · exp(α_c), α_c uniform in [log ½, log 2)

Where a class's support and query pools differ, |I_c| is the number of its support images, and only what is
queried out of the support pool is taken from it. Groups and guards may leave a class fewer shots than k_c.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.episodes.pools import ClassPool
from fewshot_bench.episodes.rng import SIZE, WAYS, WEIGHTS, random_keys, uniform

MIN_WAYS, MAX_WAYS = 5, 50
MAX_QUERIES = 10
MAX_SUPPORT = 500
MAX_CONTRIBUTION = 100

Ints = NDArray[np.int64]


def query_capacity(pool: ClassPool) -> int:
    """Returns the number of query images that a class can give, 0 for a class that is too small.

    A class gives half of the images of both pools, and all images of the query pool alone, but never more than
    remain beside the support image that excludes fewest.
    """
    if not len(pool.support):
        return 0
    half = pool.shared // 2 + len(pool.query) - pool.shared
    if pool.simple:
        return half
    excluded = pool.excluded(np.arange(len(pool.support)))
    return min(half, len(pool.query) - int(excluded.sum(axis=1).min()))


def draw_ways(seed: int, episodes: Ints, classes: int) -> Ints:
    """Returns the ways of each episode, [B]."""
    limit = min(MAX_WAYS, classes)
    draw = uniform(random_keys(seed, WAYS, episodes, 0)[0])
    return MIN_WAYS + (draw * (limit - MIN_WAYS + 1)).astype(np.int64)


def draw_counts(
    seed: int, episodes: Ints, places: Ints, pools: Sequence[ClassPool], capacity: Ints
) -> tuple[Ints, Ints]:
    """Returns the shots and queries of each class of each episode, both [B, N].

    ``places`` [B, N] are places in ``pools`` (padding is −1 and has 0 of both); ``capacity`` holds the query
    capacities of the pools.
    """
    present = places >= 0
    images = np.where(present, np.array([len(pool.support) for pool in pools])[places], 0)
    apart = np.where(present, np.array([len(pool.query) - pool.shared for pool in pools])[places], 0)
    queries = (
        np.where(present, capacity[places], MAX_QUERIES).min(axis=1, keepdims=True).clip(max=MAX_QUERIES)
    )
    remaining = (images - (queries - apart).clip(min=0)).clip(min=0)
    beta = 1.0 - uniform(random_keys(seed, SIZE, episodes, 0)[0])[:, None]
    size = (
        np.ceil(beta * remaining.clip(max=MAX_CONTRIBUTION)).sum(axis=1, keepdims=True).clip(max=MAX_SUPPORT)
    )
    numbers = np.array([pool.number for pool in pools])[places]
    alpha = np.log(2.0) * (2.0 * uniform(random_keys(seed, WEIGHTS, episodes[:, None], numbers)[0]) - 1.0)
    weight = images * np.exp(alpha)
    share = weight / weight.sum(axis=1, keepdims=True)
    extra = np.floor(share * (size - present.sum(axis=1, keepdims=True)))
    shots = np.minimum(extra.astype(np.int64) + 1, remaining)
    return np.where(present, shots, 0), np.where(present, queries, 0)
