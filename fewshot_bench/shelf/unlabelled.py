"""Pictures without labels move an estimate that references gave, as far as a method is less certain of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.contract.method import EmbeddingMethod
from fewshot_bench.prediction.nearest import unit
from fewshot_bench.recogniser.calibration import best_temperature, logits_of, softened
from fewshot_bench.recogniser.scorer import Scorer
from fewshot_bench.shelf.estimate import Estimate

Floats = NDArray[np.floating[Any]]


STRENGTH = 0.1
"""Inverse strength C of the penalty of the regression that tells references from other pictures."""

PARTS = 5
"""Parts that are left out in turn when pictures are told apart, and the fewest pictures of which it is tried."""


@dataclass(frozen=True)
class OnPictures:
    """Holds the estimates for pictures that were shown without labels.

    ``pictures`` counts them. ``accuracy`` is the share that is named rightly, where a picture of no product counts as
    wrong, and ``moved`` how far that lies above the accuracy of references without themselves. ``accepted`` is the
    share whose nearest reference is similar enough, and ``certain`` the accuracy among those, None where there are
    none.
    """

    pictures: int
    moved: float
    accuracy: Estimate
    accepted: float
    certain: Estimate | None


@dataclass(frozen=True)
class Confidences:
    """The largest probability of each reference without itself (``held`` [R]) and of other pictures (``shown`` [Q]).

    ``right`` [R] says which references are recognised, ``weights`` [R] how much each counts, and ``likeness`` [R] how
    much more likely it is among the other pictures. ``held_cosine`` [R] and ``shown_cosine`` [Q] are the similarities
    to the nearest reference.
    """

    held: Floats
    right: NDArray[np.bool_]
    weights: Floats
    likeness: Floats
    shown: Floats
    held_cosine: Floats
    shown_cosine: Floats

    def moved(self, cosine: float = -np.inf) -> float:
        """Returns the expected accuracy on the shown pictures less that on references, both from ``cosine`` on.

        The accuracy on references that are like the pictures is moved by the difference of the mean confidences.
        """
        held, shown = self.held_cosine >= cosine, self.shown_cosine >= cosine
        if not self.weights[held].sum() or not shown.any():
            return 0.0
        weights = self.weights[held]
        alike = weights * self.likeness[held]
        away = np.average(self.right[held] - self.held[held], weights=alike)
        return float(self.shown[shown].mean() + away - np.average(self.right[held], weights=weights))


def confidences(method: EmbeddingMethod, scorer: Scorer, shown: NDArray[np.float32]) -> Confidences:
    """Returns the confidences of references and of pictures with embeddings ``shown`` [Q, D], after calibration."""
    rows, scores = scorer.held
    weights, labels = scorer.weights(rows), scorer.references.labels[rows]
    logits = logits_of(scores, probabilities=method.calibrated)
    temperature = best_temperature(logits, labels, weights)
    asked = logits_of(scorer.scores(shown), probabilities=method.calibrated)
    return Confidences(
        softened(logits, temperature).max(axis=1),
        scores.argmax(axis=1) == labels,
        weights,
        likeness(unit(scorer.references.vectors[rows]), unit(shown)),
        softened(asked, temperature).max(axis=1),
        scorer.cosines(rows, scorer.references.groups),
        scorer.why(shown)[1],
    )


def likeness(references: NDArray[np.float32], shown: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns how much more likely each of the references [R, D] is among pictures like ``shown`` [Q, D].

    It is the ratio of the two densities: p / (1 − p), where a logistic regression tells references from shown pictures,
    both counting alike, and gives p for a reference that it has not seen (Bickel, Brückner, Scheffer: Discriminative
    Learning Under Covariate Shift, JMLR 10, 2009). Of fewer than ``PARTS`` of either all count alike.
    """
    if min(len(references), len(shown)) < PARTS:
        return np.ones(len(references))
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    both = np.concatenate([references, shown])
    which = np.repeat([0, 1], [len(references), len(shown)])
    tell = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=1000)
    parts = StratifiedKFold(PARTS, shuffle=True, random_state=0)
    told = cross_val_predict(tell, both, which, cv=parts, method="predict_proba")[: len(references), 1]
    return np.asarray(told / (1 - told), dtype=np.float64)


def on_pictures(found: Confidences, today: Estimate, certain: Estimate, cosine: float) -> OnPictures:
    """Returns the estimates of references, ``today`` and ``certain``, moved to the pictures that were shown.

    The difference of mean confidences predicts the difference of accuracies (Guillory, Shankar, Ebrahimi, Darrell,
    Schmidt: Predicting with Confidence on Unseen Distributions, ICCV 2021). Between none and twice of the move is taken
    to be possible, so that it is added in squares to half the interval. ``cosine`` is the threshold.
    """
    kept = found.shown_cosine >= cosine
    return OnPictures(
        pictures=len(found.shown),
        moved=found.moved(),
        accuracy=shifted(today, found.moved()),
        accepted=float(kept.mean()),
        certain=shifted(certain, found.moved(cosine)) if kept.any() else None,
    )


def shifted(estimate: Estimate, shift: float) -> Estimate:
    """Returns an estimate moved by ``shift``, whose square is added to that of half the interval."""
    value = float(np.clip(estimate.value + shift, 0, 1))
    half = float(np.hypot(max(estimate.high - estimate.value, estimate.value - estimate.low), shift))
    return Estimate(value, max(0.0, value - half), min(1.0, value + half))
