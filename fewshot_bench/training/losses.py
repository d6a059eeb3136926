"""Metric-learning losses, one value per pair or triplet, and mining of the hardest of a mini-batch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def distance(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean distance ``[P]`` between the rows of ``a`` and ``b [P, D]``; its gradient at 0 is 0."""
    return (a - b).square().sum(dim=-1).clamp_min(1e-12).sqrt()


def contrastive(a: Tensor, b: Tensor, same: Tensor, margin: float) -> Tensor:
    """L = y·d + (1 − y)·max(0, m − d) per pair, d Euclidean and not squared.

    ``a``, ``b`` ``[P, D]`` embeddings; ``same`` ``[P]`` (y) true for two images of one product; returns
    ``[P]``. Source: Srivastava 2022, after Hadsell et al. 2006 without the squares.
    """
    d = distance(a, b)
    return d.where(same, (margin - d).clamp_min(0))


def triplet(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float) -> Tensor:
    """L = [d(a, p) + m − d(a, n)]₊ per triplet, d Euclidean; ``[T, D]`` each, returns ``[T]``."""
    return (distance(anchor, positive) + margin - distance(anchor, negative)).clamp_min(0)


def hardest(losses: Tensor, share: float) -> Tensor:
    """Mean of the largest ``ceil(share · P)`` of ``losses [P]``: only those are back-propagated.

    ``share`` in (0, 1]; 1 is the plain mean.
    """
    keep = max(1, math.ceil(share * losses.numel()))
    return losses.topk(keep).values.mean() if keep < losses.numel() else losses.mean()
