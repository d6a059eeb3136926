"""Probabilities that mean what they say, and whether known pictures can be told from unknown ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.metrics.openset import placements

Floats = NDArray[np.floating[Any]]

SHARPEST, SOFTEST = 1e-4, 1e3
"""The temperatures between which one is looked for."""

LEAST = 1e-12
"""The least probability of which a logarithm is taken."""

Z = 1.959963984540054
"""The 97.5 % point of the normal distribution."""


def logits_of(scores: Floats, *, probabilities: bool) -> NDArray[np.float64]:
    """Returns scores ``[Q, N]`` as logits: the logarithm where they are probabilities, else as they are."""
    exact = np.asarray(scores, dtype=np.float64)
    return np.log(np.maximum(exact, LEAST)) if probabilities else exact


def softened(logits: Floats, temperature: float) -> NDArray[np.float64]:
    """Returns softmax(logits / temperature), ``[Q, N]``."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    odds = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    found: NDArray[np.float64] = odds / odds.sum(axis=1, keepdims=True)
    return found


def best_temperature(
    logits: Floats, labels: NDArray[np.integer[Any]], weights: Floats | None = None
) -> float:
    """Returns the temperature T of least log loss of softmax(logits / T).

    ``logits`` are [Q, N], ``labels`` [Q], and ``weights`` [Q] are 1 where there are none.

    One parameter keeps the order of classes (Guo et al.: On Calibration of Modern Neural Networks, ICML 2017). One
    more picture that belongs to all classes alike is added, so that a few pictures, all of them right, do not ask for
    certainty: the loss is (Σ_i −w_i log p(y_i) + mean over i and k of −log p_i(k)) / (Q + 1).
    """
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(labels))
    weight = np.ones(len(labels)) if weights is None else np.asarray(weights, dtype=np.float64)

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        told = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        return float((-weight @ told[rows, labels] - told.mean()) / (len(labels) + 1))

    bounds = (float(np.log(SHARPEST)), float(np.log(SOFTEST)))
    grid = np.linspace(*bounds, 60)  # flat ends: begin where it is least
    start = int(np.argmin([loss(place) for place in grid]))
    around = (grid[max(0, start - 1)], grid[min(len(grid) - 1, start + 1)])
    return float(np.exp(minimize_scalar(loss, bounds=around, method="bounded").x))


@dataclass(frozen=True)
class Separation:
    """How well a score tells ``known`` pictures from ``unknown`` ones: the AUROC and its 95 % interval."""

    auroc: float
    low: float
    high: float
    known: int
    unknown: int

    @property
    def told_apart(self) -> bool:
        """Whether the interval lies above one half."""
        return self.low > 0.5

    def __str__(self) -> str:
        """Returns a sentence for a person."""
        interval = f"AUROC {self.auroc:.2f}, 95 % interval {self.low:.2f} to {self.high:.2f}"
        counted = f"from {self.known} known and {self.unknown} unknown pictures"
        if self.told_apart:
            return f"Known and unknown pictures are told apart ({interval}, {counted})."
        return (
            f"Known and unknown pictures cannot be told apart ({interval}, {counted}): rejection is no better than "
            "chance."
        )


def separation(known: Floats, unknown: Floats) -> Separation | None:
    """Returns the AUROC of scores ``[m]`` of known and ``[n]`` of unknown pictures; None below two of either.

    AUROC = P(known > unknown) + ½ P(known = unknown). Its variance is that of the placements of the two samples
    (DeLong, DeLong, Clarke-Pearson: Biometrics 44, 1988): var(V_known) / m + var(V_unknown) / n. With perfect
    separation that is 0, so that at least one pair more is taken to be in the wrong order: the standard error of
    Hanley and McNeil (Radiology 143, 1982) at the AUROC (mn − ½) / mn stands in its place.
    """
    m, n = len(known), len(unknown)
    if min(m, n) < 2:
        return None
    over, under = placements(known, unknown), placements(unknown, known)
    auroc = float(over.mean())
    near = min(max(auroc, 0.5 / (m * n)), 1 - 0.5 / (m * n))
    q1, q2 = near / (2 - near), 2 * near**2 / (1 + near)
    least = (near * (1 - near) + (m - 1) * (q1 - near**2) + (n - 1) * (q2 - near**2)) / (m * n)
    variance = float(over.var(ddof=1)) / m + float(under.var(ddof=1)) / n
    half = Z * max(variance, least if auroc in (0.0, 1.0) else 0.0) ** 0.5
    return Separation(auroc, max(0.0, auroc - half), min(1.0, auroc + half), m, n)
