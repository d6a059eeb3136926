"""Further numbers of class scores: top-k accuracy, macro-F1, expected calibration error."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import FsbenchError
from fewshot_bench.metrics.accuracy import predictions, ranks_of_truth

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]

BINS = 15
"""Bins of equal width between 0 and 1 for the expected calibration error, as in Guo et al. 2017."""


def top_k_hits(scores: Floats, labels: Ints, k: int) -> NDArray[np.float64]:
    """Returns 1 where the class of a query is among the ``k`` of highest score, else 0, [E, Q]; NaN for padding.

    Ties go to the lower label, so that k = 1 is the accuracy.
    """
    return np.where(labels >= 0, ranks_of_truth(scores, labels) < k, np.nan)


def macro_f1(scores: Floats, labels: Ints) -> NDArray[np.float64]:
    """Returns the mean over classes of F1 = 2 TP / (2 TP + FP + FN) in each episode, [E].

    The classes are those that a query has or is predicted as; an episode without a query is NaN.
    """
    episodes, _, ways = scores.shape
    valid = labels >= 0
    found = predictions(scores, valid)
    first = np.arange(episodes)[:, None] * ways

    def count(of: Ints, where: NDArray[np.bool_]) -> NDArray[np.float64]:
        counts = np.bincount((first + of)[where], minlength=episodes * ways)
        return counts.reshape(episodes, ways).astype(np.float64)

    right = count(labels, valid & (found == labels))
    both = count(labels, valid) + count(found, valid)
    classes = (both > 0).sum(axis=1)
    total = (2 * right / both.clip(min=1)).sum(axis=1)
    return np.where(classes > 0, total / classes.clip(min=1), np.nan)


def expected_calibration_error(scores: Floats, labels: Ints, bins: int = BINS) -> NDArray[np.float64]:
    """Returns Σ over bins of (share of the queries) · |accuracy − mean confidence| in each episode, [E].

    The confidence of a query is its highest score, which has to be a probability; bins are of equal width and hold
    their upper end. An episode without a query is NaN. Few queries in a bin make the value larger than that of the
    same method with many. Raises FsbenchError for confidences that are no probabilities.
    """
    valid = labels >= 0
    hit = predictions(scores, valid) == labels
    confidence = np.where(valid, scores.max(axis=-1), 0.0).astype(np.float64)
    if (wrong := (confidence < 0) | (confidence > 1 + 1e-4)).any():
        raise FsbenchError(
            f"A calibration error is of probabilities, and a highest score is {confidence[wrong][0]:g}; the method "
            "must return probabilities, or not declare calibrated."
        )
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    place += bins * np.arange(len(scores))[:, None]
    gaps = np.bincount(place[valid], weights=(hit - confidence)[valid], minlength=bins * len(scores))
    count = valid.sum(axis=1)
    total = np.abs(gaps.reshape(len(scores), bins)).sum(axis=1)
    return np.where(count > 0, total / count.clip(min=1), np.nan)
