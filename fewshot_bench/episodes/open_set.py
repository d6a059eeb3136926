"""Open-set episodes: N classes with support, and queries of N further classes that have none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fewshot_bench.episodes.own import Arrays, Sampler
from fewshot_bench.episodes.pools import ImageArrays
from fewshot_bench.episodes.sampler import sample
from fewshot_bench.episodes.spec import OPEN_SET, EpisodeSpec
from fewshot_bench.errors import UsageError


class OpenSet(Sampler):
    """Draws 2N classes as the suite does and takes the support of the last N away: their queries are unknown."""

    api_version = 1
    name = OPEN_SET
    summary = "N classes with support, and queries of N further classes that have none"
    reference = (
        "Scheirer et al.: Toward Open Set Recognition, TPAMI 2013; Liu et al.: Few-Shot Open-Set Recognition "
        "Using Meta-Learning, CVPR 2020 (5 known and 5 unknown classes an episode)"
    )

    def __call__(self, index: ImageArrays, spec: EpisodeSpec) -> Arrays:
        """Returns classes [E, 2N], support [E, 2N, K] with −1 for the last N classes, and queries [E, 2N, Q]."""
        if spec.ways == "all" or 2 * spec.ways > len(index.class_names):
            most = len(index.class_names) // 2
            raise UsageError(
                f"Open-set episodes of --ways {spec.ways} need as many further classes, and {index.name} has "
                f"{len(index.class_names)} classes: ask for at most --ways {most}, or another data set."
            )
        drawn = sample(index, replace(spec, ways=2 * spec.ways, sampler=""))
        support = drawn.support.copy()
        support[:, spec.ways :] = -1
        return drawn.classes.astype(np.int64), support, drawn.query
