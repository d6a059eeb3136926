"""Accuracy: how often the highest-scored class of a query is its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import FsbenchError

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]


def predictions(scores: Floats, valid: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
    """Returns the class of highest score of each query: ``scores`` [E, Q, N] -> [E, Q].

    Ties go to the lowest label, whose class the sampler drew at random. Where ``valid`` [E, Q] is false
    (padding) the scores are not looked at and the prediction is −1. Raises FsbenchError for a NaN anywhere else.
    """
    if valid is None:
        valid = np.ones(scores.shape[:-1], dtype=bool)
    require_numbers(scores, valid)
    return np.where(valid, scores.argmax(axis=-1), -1)


def ranks_of_truth(scores: Floats, labels: Ints) -> NDArray[np.int64]:
    """Returns how many classes come before the true one, by score and among equal scores by label, [E, Q].

    ``scores`` [E, Q, N], ``labels`` [E, Q] (−1: padding, −1 in the result). Rank 0 means that ``predictions`` is
    right. Raises FsbenchError for NaN scores.
    """
    valid = labels >= 0
    require_numbers(scores, valid)
    label = labels.clip(min=0)[:, :, None]
    own = np.take_along_axis(scores, label, axis=2)
    earlier = np.arange(scores.shape[2]) < label
    before = (scores > own).sum(axis=2) + ((scores == own) & earlier).sum(axis=2)
    return np.where(valid, before, -1)


def accuracy_per_episode(scores: Floats, labels: Ints) -> NDArray[np.float64]:
    """Returns the share of each episode's queries that are predicted right, 0 to 1: [E, Q, N], [E, Q] -> [E].

    Queries of label −1 are padding and do not count; an episode of nothing else is NaN. Raises FsbenchError for
    NaN scores.
    """
    valid = labels >= 0
    right = (predictions(scores, valid) == labels) & valid
    count = valid.sum(axis=1)
    return np.where(count > 0, right.sum(axis=1) / count.clip(min=1), np.nan)


def require_numbers(scores: Floats, valid: NDArray[np.bool_]) -> None:
    """Raises FsbenchError where a score [..., N] of a valid row [...] is NaN, for it has no rank."""
    bad = np.isnan(scores).any(axis=-1) & valid
    if bad.any():
        first = ", ".join(str(int(place[0])) for place in np.nonzero(bad))
        raise FsbenchError(
            f"{int(bad.sum())} of {int(valid.sum())} queries have a score that is not a number (NaN), "
            f"the first at [{first}]; the method or its weights must be mended, for NaN cannot be ranked."
        )
