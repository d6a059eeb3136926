"""Metric-learning losses, one value per pair or triplet, and mining of the hardest of a mini-batch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def distance(a: Tensor, b: Tensor) -> Tensor:
    """Returns the Euclidean distance ``[P]`` between the rows of ``a`` and ``b [P, D]``; its gradient at 0 is 0."""
    return (a - b).square().sum(dim=-1).clamp_min(1e-12).sqrt()


def contrastive(a: Tensor, b: Tensor, same: Tensor, margin: float) -> Tensor:
    """Returns L = y·d + (1 − y)·max(0, m − d) per pair, d Euclidean and not squared.

    ``a``, ``b`` ``[P, D]`` embeddings; ``same`` ``[P]`` (y) true for two images of one product; returns
    ``[P]``. Source: Srivastava 2022, after Hadsell et al. 2006 without the squares.
    """
    d = distance(a, b)
    return d.where(same, (margin - d).clamp_min(0))


def triplet(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float) -> Tensor:
    """Returns L = [d(a, p) + m − d(a, n)]₊ per triplet ``[T]``, d Euclidean; the arguments are ``[T, D]`` each."""
    return (distance(anchor, positive) + margin - distance(anchor, negative)).clamp_min(0)


def hardest(losses: Tensor, share: float) -> Tensor:
    """Returns mean of the largest ``ceil(share · P)`` of ``losses [P]``: only those are back-propagated.

    ``share`` in (0, 1]; 1 is the plain mean.
    """
    keep = max(1, math.ceil(share * losses.numel()))
    return losses.topk(keep).values.mean() if keep < losses.numel() else losses.mean()


def squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """Returns ‖a_q − b_n‖² ``[..., Q, N]`` of ``a [..., Q, D]`` and ``b [..., N, D]``."""
    return (a.unsqueeze(-2) - b.unsqueeze(-3)).square().sum(dim=-1)


def cosines(a: Tensor, b: Tensor) -> Tensor:
    """Returns the cosines ``[..., Q, N]`` between ``a [..., Q, D]`` and ``b [..., N, D]``."""
    from torch.nn.functional import normalize

    return normalize(a, dim=-1) @ normalize(b, dim=-1).mT


def mined(losses: Tensor, share: float) -> tuple[Tensor, dict[str, float]]:
    """Returns ``hardest(losses, share)``, and for the log the share of losses above 0 (``active``)."""
    return hardest(losses, share), {"active": float((losses.detach() > 0).float().mean())}


def episode_loss(scores: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Returns J = −log p(y = n | x), the mean over all queries, and for the log the ``accuracy``.

    ``scores [T, N·Q, N]`` of T episodes with Q queries of each of N classes, those of class 0 first; p is their
    softmax over classes (Snell et al. 2017, eq. 2 and algorithm 1).
    """
    import torch
    from torch.nn.functional import cross_entropy

    tasks, queries, ways = scores.shape
    labels = torch.arange(ways, device=scores.device).repeat_interleave(queries // ways).repeat(tasks)
    flat = scores.flatten(0, 1)
    correct = float((flat.detach().argmax(dim=1) == labels).float().mean())
    return cross_entropy(flat, labels), {"accuracy": correct}
