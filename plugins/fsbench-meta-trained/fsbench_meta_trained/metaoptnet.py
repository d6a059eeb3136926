"""MetaOptNet (Lee et al. 2019): a support vector machine on the support, differentiated through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fewshot_bench.api import setting, tunable
from fsbench_meta_trained.embedded import Embedded
from fsbench_meta_trained.episodic import EpisodeTrained, EpisodicConfig

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


@dataclass(frozen=True, kw_only=True)
class MetaOptNetConfig(EpisodicConfig):
    """Parameters of ``metaoptnet``."""

    C: float = tunable(1.0, 0.001, 10.0, log=True, help="regularisation of the machine", at_least=1e-6)
    scale: float = tunable(10.0, 1.0, 100.0, log=True, help="factor γ before training", at_least=1e-6)
    solver_steps: int = setting(100, "accelerated gradient steps of the dual problem", at_least=1)


class MetaOptNet(EpisodeTrained[MetaOptNetConfig]):
    """min ½ Σ_n ‖w_n‖² + C Σ_i ξ_i with w_{y_i}·x_i − w_n·x_i ≥ 1 − [n = y_i] − ξ_i; logits γ w_n·q, γ learnt.

    Embeddings are divided by the square root of their length D, so that C means the same for every network.
    """

    name = "metaoptnet"
    summary = "trained on episodes through a multi-class support vector machine"
    reference = (
        "Lee, Maji, Ravichandran, Soatto: Meta-Learning with Differentiable Convex Optimization, CVPR 2019"
    )

    def learnt_head(self, width: int) -> Module:
        """Returns γ."""
        import torch
        from torch import nn

        return nn.ParameterDict({"scale": nn.Parameter(torch.tensor(self.config.scale))})

    def logits(self, episodes: Embedded, learnt: Any) -> Tensor:
        """Returns γ q·w_n, with w_n = Σ_i α_in x_i."""
        width = episodes.query.shape[2] ** 0.5
        support, query = episodes.support.flatten(1, 2) / width, episodes.query / width
        c, label = self.config, episodes.labels()
        dual = machine(support @ support.mT, label, episodes.classes(), c.C, c.solver_steps)
        found: Tensor = learnt["scale"] * (query @ support.mT @ dual)
        return found


def machine(gram: Tensor, label: Tensor, classes: Tensor, C: float, steps: int) -> Tensor:
    """Returns the dual variables α ``[T, S, N]`` of the machine of Crammer and Singer (2001).

    They minimise ½ Σ_n α_nᵀ G α_n − Σ_i α_{i, y_i} with α_i ≤ C y_i and Σ_n α_in = 0, by accelerated projected
    gradient steps (Beck and Teboulle 2009) with the momentum set to 0 where it points uphill (O'Donoghue and Candès
    2015). ``gram [T, S, S]``, ``label [T, S, N]`` one-hot, ``classes [T, N]`` bool: others have α = 0.
    """
    import torch

    known = label.sum(2, keepdim=True)
    rate = 1 / largest(gram)
    here = torch.zeros_like(label)
    ahead, weight = here, torch.ones_like(rate)
    for _ in range(steps):
        gradient = gram @ ahead - label
        step = project(ahead - rate * gradient, C * label, classes, C) * known
        moved = step - here
        uphill = (gradient * moved).sum((1, 2), keepdim=True) > 0
        fresh = torch.where(uphill, 1.0, (1 + (1 + 4 * weight.square()).sqrt()) / 2)
        ahead = step + torch.where(uphill, 0.0, (weight - 1) / fresh) * moved
        here, weight = step, fresh
    return here


def largest(gram: Tensor) -> Tensor:
    """Returns an upper bound of the largest eigenvalue of ``gram [T, S, S]``, the largest row sum, ``[T, 1, 1]``."""
    return gram.detach().abs().sum(2).amax(1).clamp_min(1e-12)[:, None, None]


def project(point: Tensor, bound: Tensor, classes: Tensor, total: float) -> Tensor:
    """Returns the nearest α to ``point [T, S, N]`` with α ≤ ``bound`` and Σ_n α_n = 0, for bounds of the sum ``total``.

    b = bound − α lies on the simplex of the sum C; the projection onto it is max(0, b − θ), θ by sorting (Duchi et al.
    2008).
    """
    import torch

    b = (bound - point).masked_fill(~classes.unsqueeze(1), -float("inf"))
    ordered = b.sort(dim=2, descending=True).values
    place = torch.arange(1, b.shape[2] + 1, device=b.device)
    theta = (ordered.cumsum(2) - total) / place
    last = (ordered > theta).sum(2, keepdim=True).clamp_min(1) - 1
    return bound - (b - theta.gather(2, last)).clamp_min(0)
