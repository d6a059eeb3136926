"""Adam's steps on the class weights of many episodes at once, with the gradient written out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from fewshot_bench.api import Tasks

if TYPE_CHECKING:
    from torch import Tensor

Distance = Literal["cosine", "euclidean"]

BLOCK_BYTES = 1 << 22
"""Memory of the features of one block of episodes: they stay near the processor from step to step."""


@dataclass(frozen=True, kw_only=True)
class WeightSteps(ABC):
    """Minimises CE(S) + F(p_Q) over class weights w_n that begin as class means, by Adam's steps.

    p = softmax(τ cos(z, w_n)), or softmax(−τ‖z − w_n‖) where ``distance`` is euclidean. A subclass gives F's
    slope. ``normalize`` scales embeddings to unit length before they are averaged.
    """

    steps: int
    rate: float
    temperature: float
    normalize: bool
    distance: Distance = "cosine"

    @abstractmethod
    def slope(self, p: Tensor, marginal: Tensor) -> Tensor:
        """Returns |Q| dF/dp for predictions ``p [e, N, Q]`` of mean ``marginal [e, N, 1]``, up to a number a query."""

    def scores(self, table: Tensor, tasks: Tasks) -> tuple[Tensor, dict[str, Any]]:
        """Returns the logits and an empty dictionary: ``table [M, D]`` -> float32 ``[E, Q, N]``."""
        import torch
        from torch.nn.functional import normalize

        table = table.float()
        found = torch.empty(*tasks.query.shape, tasks.ways, device=table.device)
        for block in tasks.blocks(normalize(table, dim=1) if self.normalize else table, BLOCK_BYTES):
            label = block.one_hot.mT
            weight = label @ block.support / label.sum(2, keepdim=True).clamp_min(1)
            rows = torch.cat([block.support, block.query], 1)
            if self.distance == "cosine":
                rows = normalize(rows, dim=2)
            logits = self.adapt(rows, label, block.query_mask.float(), weight, block.class_mask)
            found[block.episodes] = logits[:, :, label.shape[2] :].mT
        return found, {}

    def adapt(self, rows: Tensor, label: Tensor, asked: Tensor, weight: Tensor, classes: Tensor) -> Tensor:
        """Returns the logits ``[e, N, S + Q]`` after all steps.

        The arguments are ``rows [e, S + Q, D]``, ``label [e, N, S]``, ``asked [e, Q]``, ``weight [e, N, D]`` and
        ``classes [e, N]``.
        """
        import torch

        s, away = label.shape[2], ~classes.unsqueeze(2)
        known = label.sum(1, keepdim=True)
        known = known / known.sum(2, keepdim=True).clamp_min(1)
        share = (asked / asked.sum(1, keepdim=True).clamp_min(1)).unsqueeze(1)
        first, second, root = (torch.zeros_like(weight) for _ in range(3))
        for step in range(1, self.steps + 1):
            logits, length = self.logits(rows, weight, s)
            p = logits.masked_fill(away, -float("inf")).softmax(1)
            q = p[:, :, s:]
            towards = self.slope(q, (share * q).sum(2, keepdim=True))
            towards = share * q * (towards - (q * towards).sum(1, keepdim=True))
            change = torch.cat([known * (p[:, :, :s] - label), towards], 2)
            gradient = self.gradient(rows, weight, change, logits, length)
            first.lerp_(gradient, 0.1)
            second.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
            unbias = (1 - 0.999**step) ** 0.5
            torch.sqrt(second, out=root).add_(1e-8 * unbias)
            weight.addcdiv_(first, root, value=-self.rate * unbias / (1 - 0.9**step))
        return self.logits(rows, weight, s)[0].masked_fill(away, -float("inf"))

    def logits(self, rows: Tensor, weight: Tensor, supports: int) -> tuple[Tensor, Tensor]:
        """Returns the logits ``[e, N, S + Q]`` and the lengths of the weights ``[e, N, 1]``.

        A support image may be its class's weight itself: its distance is the length of a difference.
        """
        import torch

        length = weight.norm(dim=2, keepdim=True).clamp_min(1e-8)
        if self.distance == "cosine":
            return (self.temperature / length) * (weight @ rows.mT), length
        near = torch.cdist(
            weight, rows[:, :supports].contiguous(), compute_mode="donot_use_mm_for_euclid_dist"
        )
        query = rows[:, supports:]
        size = query.square().sum(2).unsqueeze(1)
        far = (size + length.square() - 2 * (weight @ query.mT)).clamp_min(0).sqrt()
        return -self.temperature * torch.cat([near, far], 2), length

    def gradient(
        self, rows: Tensor, weight: Tensor, change: Tensor, logits: Tensor, length: Tensor
    ) -> Tensor:
        """Returns dL/dw ``[e, N, D]`` from dL/dlogits ``change [e, N, S + Q]``; the slope at a distance of 0 is 0."""
        if self.distance == "cosine":
            along = (change * logits).sum(2, keepdim=True) / length.square()
            return (change * (self.temperature / length)).bmm(rows).sub_(weight * along)
        over = (change * (-(self.temperature**2) / logits)).masked_fill_(logits == 0, 0)
        return over.bmm(rows).sub_(weight * over.sum(2, keepdim=True))
