"""How many different support sets a spec can draw: repeating fewer of them is repeating the same question."""

from __future__ import annotations

from math import comb

import numpy as np

from fewshot_bench.episodes.eligible import eligible_pools
from fewshot_bench.episodes.pools import ClassPool, ImageArrays
from fewshot_bench.episodes.spec import EpisodeSpec

CAP = 10**9


def distinct_supports(index: ImageArrays, spec: EpisodeSpec) -> int:
    """The number of different support sets (order aside) that an episode may have, at most ``CAP``.

    The sum over sets of N classes of the product of their subsets: exact where images exclude nothing but
    themselves, and for one shot; an upper bound where groups or guards exclude some combinations of several
    shots, or where groups span classes. ``CAP`` for variable episodes. Raises UsageError as ``sample`` does.
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
    """Subsets of a class's support images that leave enough to query."""
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
