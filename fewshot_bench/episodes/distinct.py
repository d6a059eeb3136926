"""How many different support sets a spec can draw: repeating fewer of them is repeating the same question."""

from __future__ import annotations

from math import comb

import numpy as np

from fewshot_bench.episodes.eligible import eligible_pools
from fewshot_bench.episodes.pools import ClassPool, ImageArrays
from fewshot_bench.episodes.spec import EpisodeSpec

CAP = 10**9


def distinct_supports(index: ImageArrays, spec: EpisodeSpec) -> int:
    """Returns the number of different support sets of an episode, at most ``CAP``; order does not count.

    That is the sum over sets of N classes of the product of their numbers of subsets. The number is exact for one
    shot, and where images exclude nothing but themselves. It is an upper bound where groups or guards exclude
    some combinations of several shots, and where groups span classes. Variable episodes have ``CAP``. Raises
    UsageError when ``sample`` would.
    """
    pools, _ = eligible_pools(index, spec)
    if spec.variable:
        return CAP
    ways = len(pools) if spec.ways == "all" else spec.ways
    sums = np.zeros(ways + 1, dtype=np.int64)
    sums[0] = 1
    for pool in pools:
        sums[1:] = np.minimum(CAP, sums[1:] + sums[:-1] * min(CAP, _subsets(pool, spec)))
    return int(sums[ways])


def _subsets(pool: ClassPool, spec: EpisodeSpec) -> int:
    """Returns the number of subsets of a class's support images that leave enough to query."""
    if spec.shots == "all":
        return 1
    needed = 1 if spec.queries == "all" else spec.queries
    if pool.simple:
        apart, spare = len(pool.support) - pool.shared, len(pool.query) - needed
        return sum(
            comb(pool.shared, both) * comb(apart, spec.shots - both)
            for both in range(min(spec.shots, pool.shared, spare) + 1)
        )
    left = len(pool.query) - pool.excluded(np.arange(len(pool.support))).sum(axis=1)
    usable = int((left >= needed).sum())
    return comb(usable, spec.shots)
