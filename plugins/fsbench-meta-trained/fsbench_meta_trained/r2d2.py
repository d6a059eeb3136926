"""R2D2 (Bertinetto et al. 2019): ridge regression on the support, differentiated through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fewshot_bench.api import tunable
from fsbench_meta_trained.embedded import Embedded
from fsbench_meta_trained.episodic import EpisodeTrained, EpisodicConfig

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


@dataclass(frozen=True, kw_only=True)
class R2D2Config(EpisodicConfig):
    """Parameters of ``r2d2``."""

    penalty: float = tunable(50.0, 0.1, 1000.0, log=True, help="λ before training", at_least=1e-6)
    scale: float = tunable(
        10.0, 1.0, 30.0, log=True, help="factor α of the predictions before training", at_least=1e-6
    )


class R2D2(EpisodeTrained[R2D2Config]):
    """ŷ = α q W + β, W = Xᵀ(XXᵀ + λI)⁻¹Y over the support X with one-hot labels Y; α, β and λ are learnt."""

    name = "r2d2"
    summary = "trained on episodes through a ridge regression on the support"
    reference = "Bertinetto, Henriques, Torr, Vedaldi: Meta-learning with differentiable closed-form solvers, ICLR 2019"

    def learnt_head(self, width: int) -> Module:
        """Returns α, β and the logarithm of the factor of λ."""
        import torch
        from torch import nn

        start = {"scale": self.config.scale, "bias": 0.0, "log_penalty": 0.0}
        return nn.ParameterDict({name: nn.Parameter(torch.tensor(value)) for name, value in start.items()})

    def logits(self, episodes: Embedded, learnt: Any) -> Tensor:
        """Returns α q W + β; the penalty is λ = ``penalty`` exp(log_penalty)."""
        support, label = episodes.support.flatten(1, 2), episodes.labels()
        predicted = ridge(support, label, episodes.query, self.config.penalty * learnt["log_penalty"].exp())
        found: Tensor = learnt["scale"] * predicted + learnt["bias"]
        return found


def ridge(support: Tensor, target: Tensor, query: Tensor, penalty: Tensor) -> Tensor:
    """Returns q Xᵀ(XXᵀ + λI)⁻¹Y ``[T, Q, N]`` of X ``[T, S, D]``, Y ``[T, S, N]`` and q ``[T, Q, D]``."""
    import torch

    identity = torch.eye(support.shape[1], device=support.device)
    solved: Tensor = torch.linalg.solve(support @ support.mT + penalty * identity, target)
    return query @ support.mT @ solved
