"""TIM (Boudiaf et al. 2020): class weights that are sure of each query, and divided over all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fewshot_bench.api import Context, Tasks, setting, tunable
from fsbench_heads.joint import FrozenConfig, FrozenMethod

if TYPE_CHECKING:
    from torch import Tensor

BLOCK_BYTES = 1 << 21
"""Memory of the features of one block of episodes: they stay near the processor from step to step."""


@dataclass(frozen=True)
class InformationMaximization:
    """Minimises CE(S) − H(mean p_Q) + μ H(p_Q) over class weights w_n that begin as class means (eq. 1–4).

    p = softmax(τ cos(z, w_n)), by Adam's steps; the gradient is written out.
    """

    steps: int = 50
    rate: float = 1e-4
    temperature: float = 10.0
    conditional: float = 0.1
    normalize: bool = True

    def scores(self, table: Tensor, tasks: Tasks) -> tuple[Tensor, dict[str, Any]]:
        """Returns the logits and an empty dictionary: ``table [M, D]`` -> float32 ``[E, Q, N]``."""
        import torch
        from torch.nn.functional import normalize

        table = table.float()
        found = torch.empty(*tasks.query.shape, tasks.ways, device=table.device)
        for block in tasks.blocks(normalize(table, dim=1) if self.normalize else table, BLOCK_BYTES):
            label = block.one_hot
            weight = label.mT @ block.support / label.sum(1).clamp_min(1).unsqueeze(2)
            rows = normalize(torch.cat([block.support, block.query], 1), dim=2)
            logits = self.adapt(rows, label, block.query_mask.float(), weight, block.class_mask)
            found[block.episodes] = logits[:, label.shape[1] :]
        return found, {}

    def adapt(self, rows: Tensor, label: Tensor, asked: Tensor, weight: Tensor, classes: Tensor) -> Tensor:
        """Returns the logits ``[e, S + Q, N]`` after all steps.

        The arguments are ``rows [e, S + Q, D]`` of unit length, ``label [e, S, N]``, ``asked [e, Q]``,
        ``weight [e, N, D]`` and ``classes [e, N]``.
        """
        import torch

        s = label.shape[1]
        known = label.sum(2, keepdim=True)
        known = known / known.sum(1, keepdim=True).clamp_min(1)
        share = (asked / asked.sum(1, keepdim=True).clamp_min(1)).unsqueeze(2)
        first, second = torch.zeros_like(weight), torch.zeros_like(weight)
        for step in range(1, self.steps + 1):
            logits, unit, length = self.logits(rows, weight, classes)
            p = logits.softmax(2)
            q = p[:, s:]
            pull = (share * q).sum(1, keepdim=True).clamp_min(1e-12).log() - self.conditional * (
                q + 1e-12
            ).log()
            pull = share * q * (pull - (q * pull).sum(2, keepdim=True))
            slope = torch.cat([known * (p[:, :s] - label), pull], 1)
            towards = self.temperature * (slope.mT @ rows)
            gradient = (towards - unit * (unit * towards).sum(2, keepdim=True)) / length
            first.lerp_(gradient, 0.1)
            second.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
            root = (second / (1 - 0.999**step)).sqrt_().add_(1e-8)
            weight = weight.addcdiv(first, root, value=-self.rate / (1 - 0.9**step))
        return self.logits(rows, weight, classes)[0]

    def logits(self, rows: Tensor, weight: Tensor, classes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns the logits ``[e, S + Q, N]``, the weights of unit length ``[e, N, D]`` and their lengths."""
        length = weight.norm(dim=2, keepdim=True).clamp_min(1e-8)
        unit = weight / length
        logits = self.temperature * (rows @ unit.mT)
        return logits.masked_fill(~classes.unsqueeze(1), -float("inf")), unit, length


@dataclass(frozen=True, kw_only=True)
class TimConfig(FrozenConfig):
    """Parameters of ``tim``."""

    steps: int = setting(50, "gradient steps; the authors take 1000", at_least=0)
    rate: float = tunable(1e-4, 1e-5, 1e-2, log=True, help="learning rate of Adam", at_least=0)
    temperature: float = tunable(10.0, 5.0, 30.0, log=True, help="factor τ of the cosines", at_least=0)
    conditional: float = tunable(
        0.1, 0.01, 1.0, log=True, help="weight of the entropy of each query", at_least=0
    )
    normalize: bool = setting(True, "scale embeddings to unit length before they are averaged")


class Tim(FrozenMethod[TimConfig]):
    """Cross-entropy on the support, and mutual information of the queries and their predictions."""

    name = "tim"
    summary = "frozen ImageNet embeddings, transductive information maximisation by gradient steps"
    reference = "Boudiaf et al.: Transductive Information Maximization for Few-Shot Learning, NeurIPS 2020"
    transductive = True

    def setup(self, context: Context) -> None:
        """Sets the maximisation on the frozen embeddings."""
        super().setup(context)
        c = self.config
        self.head = InformationMaximization(c.steps, c.rate, c.temperature, c.conditional, c.normalize)
