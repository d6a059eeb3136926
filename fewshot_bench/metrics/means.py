"""The mean of each episode's queries."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import FsbenchError


def episode_means(values: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Returns the mean over each episode's queries, [E, Q] -> [E]; padding (label −1) and NaN values do not count.

    Raises FsbenchError where an episode has no value at all.
    """
    valid = (labels >= 0) & ~np.isnan(values)
    count = valid.sum(axis=1)
    if (count == 0).any():
        raise FsbenchError(
            f"episode {int(np.flatnonzero(count == 0)[0])} has no query with a value, so that it has no mean."
        )
    return np.asarray(np.where(valid, values, 0.0).sum(axis=1, dtype=np.float64) / count)
