"""All pairs of methods of a table: paired differences, corrected for their number, and ranges of ranks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class PairedDifferences:
    """Differences of M methods, row − column.

    Parameters
    ----------
    difference : ``[M, M]``.
    error : ``[M, M]``, the standard errors of the differences; NaN where there is none.
    freedom : ``[M, M]``, the degrees of freedom of Student's t.
    """

    difference: Floats
    error: Floats
    freedom: NDArray[np.int64]

    @property
    def p_values(self) -> Floats:
        """Two-sided p-values ``[M, M]`` of "no difference"; 1 where there is none, or no error is known."""
        from scipy.special import stdtr

        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.abs(self.difference) / self.error
        t = np.where((self.difference == 0) | np.isnan(self.error), 0.0, t)
        return np.asarray(2 * stdtr(self.freedom, -t))

    def where_unknown(self, other: PairedDifferences) -> PairedDifferences:
        """Returns these pairs, and those of ``other`` where no error is known here."""
        unknown = np.isnan(self.error)
        return PairedDifferences(
            np.where(unknown, other.difference, self.difference),
            np.where(unknown, other.error, self.error),
            np.where(unknown, other.freedom, self.freedom),
        )


def paired_jackknife(means: Floats, without: Floats) -> PairedDifferences:
    """Returns the pairs of M methods from their means ``[M]`` and their means without each class ``[M, C]``.

    The delete-one-class jackknife of the difference: Var(i − j) = (C − 1)/C · Σ_c ((θᵢ₋c − θⱼ₋c) − mean over c)², and
    Student's t with C − 1 degrees of freedom. A row of NaN is a method whose means without a class are not known.
    """
    count = without.shape[1]
    return _pairs(means, without, (count - 1) / count, count - 1)


def paired_episodes(values: Floats) -> PairedDifferences:
    """Returns the pairs of M methods from one value an episode each, ``[M, E]``: the paired t-test."""
    count = values.shape[1]
    return _pairs(values.mean(axis=1), values, 1 / (count * (count - 1)), count - 1)


def _pairs(means: Floats, values: Floats, scale: float, freedom: int) -> PairedDifferences:
    """The squares of differences, |a − b|² = a·a + b·b − 2 a·b, of centred rows."""
    centred = values - values.mean(axis=1, keepdims=True)
    gram = centred @ centred.T
    square = np.diag(gram)
    total = square[:, None] + square[None, :]
    apart = np.maximum(total - 2 * gram, 0.0)
    apart[apart <= 1e-12 * total] = 0.0  # rows that are equal but for rounding
    difference = means[:, None] - means[None, :]
    return PairedDifferences(difference, np.sqrt(scale * apart), np.full(apart.shape, freedom))


def holm(p_values: Floats) -> Floats:
    """Returns Holm's adjusted p-values of ``[P]`` tests: p₍ᵢ₎ ↦ max over j ≤ i of min(1, (P − j + 1) · p₍ⱼ₎) (1979)."""
    order = np.argsort(p_values, kind="stable")
    times = np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(times * p_values[order]))
    return adjusted


def adjusted(pairs: PairedDifferences) -> Floats:
    """Returns the p-values ``[M, M]`` of all pairs, adjusted by Holm for the M (M − 1)/2 of them; 1 on the diagonal."""
    methods = len(pairs.difference)
    upper = np.triu_indices(methods, 1)
    found = np.ones((methods, methods))
    found[upper] = holm(pairs.p_values[upper])
    return np.minimum(found, found.T)


def better(pairs: PairedDifferences, level: float = 0.05) -> Bools:
    """Returns ``[M, M]``: whether the row's method is better than the column's at a family-wise error of ``level``."""
    return np.asarray((adjusted(pairs) <= level) & (pairs.difference > 0))


def rank_ranges(is_better: Bools) -> list[tuple[int, int]]:
    """Returns each method's range of ranks: 1 + how many are better, to M − how many it is better than."""
    methods = len(is_better)
    lowest, highest = 1 + is_better.sum(axis=0), methods - is_better.sum(axis=1)
    return [(int(low), int(high)) for low, high in zip(lowest, highest, strict=True)]


def rank_distribution(means: Floats, without: Floats, draws: int = 2000, seed: int = 0) -> Floats:
    """Returns ``[M, M]``: the share of bootstrap draws of classes in which a method (row) has a rank (column, 1 first).

    Classes are drawn with replacement, the same for all methods, and the mean of a draw is that of the jackknife's
    pseudo-values C θ − (C − 1) θ₋c of the classes in it (Efron and Tibshirani 1993, ch. 11); equal means share the
    better rank. ``means`` is ``[M]`` and ``without`` ``[M, C]``, as in ``paired_jackknife``. NaN gives NaN.
    """
    methods, count = without.shape
    if np.isnan(without).any():
        return np.full((methods, methods), np.nan)
    pseudo = count * means[:, None] - (count - 1) * without
    weights = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=draws) / count
    drawn = weights @ pseudo.T
    rank = 1 + (drawn[:, None, :] > drawn[:, :, None] + 1e-12).sum(axis=2)
    return np.stack([(rank == place).mean(axis=0) for place in range(1, methods + 1)], axis=1)
