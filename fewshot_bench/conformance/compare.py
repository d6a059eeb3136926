"""Comparison of scores: equal but for rounding, or how far apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.conformance.contract_check import Answer, fails, holds

Floats = NDArray[np.floating[Any]]

TOLERANCE = 1e-3
"""The share of the range of an episode's scores that sums in another order may change."""


def difference(scores: Floats, others: Floats) -> float:
    """Returns the largest difference of scores [E, Q, N], as a share of the range of its episode's scores.

    Equal infinite scores do not differ. The result is infinite for NaN.
    """
    axes = (1, 2)
    finite = np.isfinite(scores)
    high = np.where(finite, scores, -np.inf).max(axis=axes, initial=-np.inf)
    low = np.where(finite, scores, np.inf).min(axis=axes, initial=np.inf)
    with np.errstate(invalid="ignore"):
        gap = np.where(scores == others, 0.0, np.abs(scores - others)).max(axis=axes, initial=0.0)
        share = np.where(gap == 0, 0.0, gap / np.maximum(high - low, np.finfo(np.float64).tiny))
    return float(np.nan_to_num(share, nan=np.inf, posinf=np.inf).max(initial=0.0))


def agreement(scores: Floats, others: Floats) -> float:
    """Returns the share of queries with the same prediction."""
    return float((scores.argmax(2) == others.argmax(2)).mean())


def apart(scores: Floats, others: Floats) -> str:
    """Returns how far scores are from others, in words."""
    changed = 1 - agreement(scores, others)
    return f"up to {difference(scores, others):.1%} of their range, {changed:.0%} of the predictions"


def equal(claim: str, scores: Floats, others: Floats) -> Answer:
    """Returns an answer that holds when scores are equal but for rounding; ``claim`` is what it says then."""
    if scores.shape != others.shape:
        return fails(f"{claim}? No: their shape is {others.shape} and not {scores.shape}.")
    if (gap := difference(scores, others)) <= TOLERANCE:
        return holds(f"{claim}, within {gap:.0e} of their range." if gap else f"{claim}.")
    return fails(f"{claim}? No: they differ by {apart(scores, others)}.")


def equal_vectors(claim: str, vectors: Floats, others: Floats) -> Answer:
    """Returns an answer that holds when embeddings [M, D] are equal but for rounding."""
    if vectors.shape != others.shape:
        return fails(f"{claim}? No: their shape is {others.shape} and not {vectors.shape}.")
    if (gap := difference(vectors[None], others[None])) <= TOLERANCE:
        return holds(f"{claim}, within {gap:.0e} of their range." if gap else f"{claim}.")
    return fails(f"{claim}? No: they differ by up to {gap:.1%} of their range.")
