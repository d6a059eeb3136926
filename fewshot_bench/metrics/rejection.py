"""Metrics of open-set episodes: whether the best score tells queries of known classes from those of unknown ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import FsbenchError
from fewshot_bench.metrics.metric import Metric
from fewshot_bench.metrics.openset import area, reject_threshold

RATE = 0.1
"""The share of known queries that a threshold may reject."""


def sides(scores: NDArray[Any], labels: NDArray[Any]) -> tuple[NDArray[np.float64], ...]:
    """Returns of one episode's scores [Q, N] and labels [Q] the best scores of known and of unknown queries.

    Last comes for each known query whether the class of its best score is right. An unknown query is of a class whose
    scores are all −inf. Raises FsbenchError where an episode has no query of either kind.
    """
    scores, labels = scores[labels >= 0], labels[labels >= 0]
    absent = np.asarray(np.isneginf(scores).all(axis=0))
    unknown, best = absent[labels], scores.max(axis=1)
    if unknown.all() or not unknown.any():
        raise FsbenchError(
            "A measure of rejection needs queries of known and of unknown classes in each episode: ask for it with "
            "`fsbench run --protocol open-set`."
        )
    right = scores.argmax(axis=1) == labels
    return best[~unknown], best[unknown], right[~unknown].astype(np.float64)


class Auroc(Metric):
    """Area under the ROC of the best score."""

    api_version = 1
    name = "auroc"
    summary = "open-set: chance that a known query has a higher best score than an unknown one (0.5: a coin)"
    reference = "Hendrycks, Gimpel: A Baseline for Detecting Misclassified and Out-of-Distribution Examples, ICLR 2017"

    def __call__(self, scores: NDArray[Any], labels: NDArray[Any]) -> NDArray[Any]:
        """Returns P(known > unknown) + ½ P(known = unknown) of each episode, [E]."""
        return np.array([area(*sides(*one)[:2]) for one in zip(scores, labels, strict=True)])


class UnknownAt90(Metric):
    """Unknown queries that are accepted at the threshold that accepts 90 % of known ones."""

    api_version = 1
    name = "fpr90"
    summary = "open-set: share of unknown queries accepted by the threshold that accepts 90 % of known ones (0 is best)"
    reference = (
        "Liang, Li, Srikant: Enhancing the Reliability of Out-of-distribution Image Detection, ICLR 2018"
    )

    def __call__(self, scores: NDArray[Any], labels: NDArray[Any]) -> NDArray[Any]:
        """Returns the share of the unknown queries of each episode, [E]."""
        found = []
        for one in zip(scores, labels, strict=True):
            known, unknown, _ = sides(*one)
            found.append(float((unknown >= reject_threshold(known, np.zeros(0), RATE).value).mean()))
        return np.array(found)


class RightAt90(Metric):
    """Known queries that are accepted and named right at the same threshold."""

    api_version = 1
    name = "ccr90"
    summary = (
        "open-set: share of known queries both accepted and named right, by the threshold that accepts 90 %"
    )
    reference = (
        "Dhamija, Günther, Boult: Reducing Network Agnostophobia, NeurIPS 2018 (correct classification rate)"
    )

    def __call__(self, scores: NDArray[Any], labels: NDArray[Any]) -> NDArray[Any]:
        """Returns the share of the known queries of each episode, [E]."""
        found = []
        for one in zip(scores, labels, strict=True):
            known, _, right = sides(*one)
            found.append(float((right * (known >= reject_threshold(known, np.zeros(0), RATE).value)).mean()))
        return np.array(found)
