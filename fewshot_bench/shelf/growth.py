"""Accuracy among more products than there are, from how many impostors each picture has."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

LEAST = 1e-3
"""The nearest to 0 or 1 of an accuracy whose logit is taken."""


def impostors(scores: Floats, labels: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Returns how many other classes score at least as high as the true one, int64 [Q], of ``scores`` [Q, N]."""
    rows = np.arange(len(labels))
    own = scores[rows, labels][:, None]
    found: NDArray[np.int64] = (scores >= own).sum(axis=1) - 1
    return found


def among(rank: NDArray[np.integer[Any]], classes: int, n: int) -> NDArray[np.float64]:
    """Returns the probability [Q] that a picture is named rightly among its own class and n − 1 drawn others.

    Of N − 1 other classes r are impostors, so that it is C(N − 1 − r, n − 1) / C(N − 1, n − 1): the average over all
    subsets of classes (Zheng, Achanta, Benjamini: Extrapolating Expected Accuracies for Large Multi-Class Problems,
    JMLR 19, 2018). ``rank`` [Q] holds r, ``classes`` is N. It is exact where a score does not depend on the other
    classes (nearest mean, nearest reference), and close for a regression.
    """
    from scipy.special import gammaln

    if not 1 <= n <= classes:
        raise ValueError(f"{n} of {classes} classes cannot be drawn")
    left = classes - 1 - np.asarray(rank, dtype=np.float64)
    fits = left >= n - 1
    safe = np.where(fits, left, n - 1)
    log = gammaln(safe + 1) - gammaln(safe - n + 2) - gammaln(classes) + gammaln(classes - n + 1)
    return np.where(fits, np.exp(np.minimum(log, 0)), 0.0)


def sizes(classes: int) -> NDArray[np.int64]:
    """Returns at most eight numbers of classes from max(2, N / 8) to N, evenly spaced by their logarithm."""
    least = min(classes, max(2, classes // 8))
    return np.unique(np.round(np.geomspace(least, classes, 8)).astype(np.int64))


def curve(rank: NDArray[np.integer[Any]], classes: int, weights: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Returns numbers of classes and the mean accuracy at each, weighted by ``weights`` [Q]."""
    many = sizes(classes)
    found = np.array([np.average(among(rank, classes, int(n)), weights=weights) for n in many])
    return many, found


def extrapolated(many: NDArray[np.int64], accuracy: Floats, n: float) -> float:
    """Returns the accuracy among n classes by logit(accuracy) = a + b log(n), b ≤ 0, through the last point.

    The slope is that of least squares; a single point, or a curve without errors, stays level.
    """
    clipped = np.clip(accuracy, LEAST, 1 - LEAST)
    logits, logs = np.log(clipped / (1 - clipped)), np.log(many)
    spread = float(((logs - logs.mean()) ** 2).sum())
    slope = float(((logs - logs.mean()) * (logits - logits.mean())).sum()) / spread if spread > 0 else 0.0
    value = logits[-1] + min(0.0, slope) * (np.log(n) - logs[-1])
    return float(1 / (1 + np.exp(-value)))


def back_test(
    rank: NDArray[np.integer[Any]], classes: int, weights: Floats, share: int
) -> tuple[int, float] | None:
    """Returns n = N / ``share`` and the accuracy among N that the curve up to n predicts; None below 3 classes of n."""
    n = classes // share
    if n < 3:
        return None
    many = sizes(n)
    found = np.array([np.average(among(rank, classes, int(k)), weights=weights) for k in many])
    return n, extrapolated(many, found, classes)
