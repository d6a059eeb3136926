"""An honest estimate of the method that did best: chosen on some products, measured on the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

DRAWS = 400
"""Draws of products with replacement."""


@dataclass(frozen=True)
class Estimate:
    """A share with the interval that holds it in 95 of 100 draws of products."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Returns the share and its interval in percent."""
        return f"{100 * self.value:.1f} % ({100 * self.low:.1f} to {100 * self.high:.1f} %)"


@dataclass(frozen=True)
class Chosen:
    """The method that did best, ``winner`` [index], its ``apparent`` accuracy, and an honest ``estimate`` of it.

    ``stable`` is the share of draws of products in which it was best, and ``spread`` the standard error.
    """

    winner: int
    apparent: float
    estimate: Estimate
    stable: float
    spread: float


def by_product(
    hits: NDArray[Any], labels: NDArray[np.integer[Any]], weights: Floats
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns the weighted hits [M, P] and the weights [P] of each product, of ``hits`` [M, Q] and ``labels`` [Q]."""
    _, product = np.unique(labels, return_inverse=True)
    many = int(product.max()) + 1
    total = np.bincount(product, weights, minlength=many).astype(np.float64)
    summed = np.stack(
        [np.bincount(product, row * weights, minlength=many) for row in np.asarray(hits, float)]
    )
    return summed.astype(np.float64), total


def choose(
    hits: NDArray[Any],
    labels: NDArray[np.integer[Any]],
    weights: Floats,
    *,
    shift: float = 0.0,
    extra: float = 0.0,
    seed: int = 0,
) -> Chosen:
    """Returns the method of most hits, and what it will reach on new pictures.

    ``hits`` [M, Q] says of M methods which of Q pictures they name rightly, ``labels`` [Q] are their products, and
    ``weights`` [Q] how much each counts. Products are drawn with replacement; in each draw the best method on the
    products drawn is measured on those that were not (bootstrap bias corrected cross-validation: Tsamardinos,
    Greasidou, Borboudakis, Machine Learning 107, 2018). How far that lies below the mean of the products drawn, on
    average, is taken off the winner's accuracy. The interval is t times the standard error over products, ``extra``
    and what was taken off added in squares, about the estimate plus ``shift``.
    """
    from scipy.stats import t

    summed, total = by_product(hits, labels, weights)
    accuracy = summed.sum(axis=1) / total.sum()
    winner, many = int(accuracy.argmax()), summed.shape[1]
    generator = np.random.default_rng(seed)
    optimism, values, wins = [], [], 0
    for _ in range(DRAWS):
        count = np.bincount(generator.integers(0, many, many), minlength=many)
        if not total @ count:
            continue
        inside = summed @ count / (total @ count)
        best = int(inside.argmax())
        wins += best == winner
        values.append(inside[winner])
        out = count == 0
        if total[out].sum() > 0:
            winners_loss = (summed[best, out].sum() - summed[winner, out].sum()) / total[out].sum()
            optimism.append(inside[best] - inside[winner] - winners_loss)
    flattery = float(np.mean(optimism)) if optimism and len(summed) > 1 else 0.0
    value = accuracy[winner] - flattery
    smallest = float(np.sqrt(0.25 / (many + 4))) / 4  # all right or all wrong is no certainty
    inner = float(np.std(values)) * (many / max(1, many - 1)) ** 0.5
    spread = float(np.linalg.norm([max(inner, smallest), extra, flattery]))
    half = float(t.ppf(0.975, max(1, many - 1))) * spread
    centre = float(np.clip(value + shift, 0, 1))
    interval = Estimate(centre, max(0.0, centre - half), min(1.0, centre + half))
    return Chosen(winner, float(accuracy[winner]), interval, wins / DRAWS, spread)


def reviewed(
    right: NDArray[np.bool_], cosine: Floats, weights: Floats, target: float
) -> tuple[float, float, list[tuple[float, float]]]:
    """Returns the share to accept, the accuracy among those accepted, and the curve of both.

    The share is the largest of 1.00, 0.95 … 0.05 at which the accuracy reaches ``target``; where none does, the one of
    the highest accuracy among those from 0.5 up. Pictures [Q] are accepted by the ``cosine`` with their nearest
    reference, highest first.
    """
    used = np.flatnonzero(weights > 0)
    right, cosine, weights = right[used], cosine[used], weights[used]
    order = np.argsort(-cosine, kind="stable")
    share = np.cumsum(weights[order]) / weights.sum()
    good = np.cumsum((right * weights)[order]) / np.cumsum(weights[order])
    points = []
    for step in range(20, 0, -1):
        place = min(int(np.searchsorted(share, step / 20 - 1e-9)), len(share) - 1)
        points.append((step / 20, float(good[place])))
    reach = [point for point in points if point[1] >= target]
    best = reach[0] if reach else max(points[:11], key=lambda point: point[1])
    return best[0], best[1], points
