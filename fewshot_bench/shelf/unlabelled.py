"""Pictures without labels move an estimate that references gave, as far as a method is less certain of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.contract.method import EmbeddingMethod
from fewshot_bench.recogniser.calibration import best_temperature, logits_of, softened
from fewshot_bench.recogniser.scorer import Scorer
from fewshot_bench.shelf.estimate import Estimate

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class OnPictures:
    """What is expected of pictures that were shown without labels.

    ``pictures`` counts them. ``moved`` is how far their mean probability lies above that of references without
    themselves, and ``accuracy`` the share that is named rightly, where a picture of no product counts as wrong.
    ``accepted`` is the share whose nearest reference is similar enough, and ``certain`` the accuracy among those, None
    where there are none.
    """

    pictures: int
    moved: float
    accuracy: Estimate
    accepted: float
    certain: Estimate | None


@dataclass(frozen=True)
class Confidences:
    """The largest probability of each reference without itself (``held`` [R], which counts ``weights`` [R]).

    ``shown`` [Q] are those of other pictures. ``held_cosine`` [R] and ``shown_cosine`` [Q] are the similarities to the
    nearest reference.
    """

    held: Floats
    weights: Floats
    shown: Floats
    held_cosine: Floats
    shown_cosine: Floats

    def moved(self, cosine: float = -np.inf) -> float:
        """Returns how far the mean of ``shown`` lies above that of ``held``, of pictures from ``cosine`` on."""
        held, shown = self.held_cosine >= cosine, self.shown_cosine >= cosine
        if not self.weights[held].sum() or not shown.any():
            return 0.0
        return float(self.shown[shown].mean() - np.average(self.held[held], weights=self.weights[held]))


def confidences(method: EmbeddingMethod, scorer: Scorer, shown: NDArray[np.float32]) -> Confidences:
    """Returns the confidences of references and of pictures with embeddings ``shown`` [Q, D], after calibration."""
    rows, scores = scorer.held
    weights = scorer.weights(rows)
    logits = logits_of(scores, probabilities=method.calibrated)
    temperature = best_temperature(logits, scorer.references.labels[rows], weights)
    asked = logits_of(scorer.scores(shown), probabilities=method.calibrated)
    return Confidences(
        softened(logits, temperature).max(axis=1),
        weights,
        softened(asked, temperature).max(axis=1),
        scorer.cosines(rows, scorer.references.groups),
        scorer.why(shown)[1],
    )


def on_pictures(found: Confidences, today: Estimate, certain: Estimate, cosine: float) -> OnPictures:
    """Returns the estimates of references, ``today`` and ``certain``, moved to the pictures that were shown.

    The difference of mean confidences predicts the difference of accuracies (Guillory, Shankar, Ebrahimi, Darrell,
    Schmidt: Predicting with Confidence on Unseen Distributions, ICCV 2021). Between none and twice of it is taken to
    be possible, so that it is added in squares to half the interval. ``cosine`` is the threshold.
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
