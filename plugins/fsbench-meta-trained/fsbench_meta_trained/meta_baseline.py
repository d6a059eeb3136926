"""Meta-Baseline (Chen et al. 2021): classification, then episodes scored by the cosine to class means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fewshot_bench.api import cosines, setting, tunable
from fsbench_meta_trained.embedded import Embedded
from fsbench_meta_trained.episodic import EpisodeTrained, EpisodicConfig

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


@dataclass(frozen=True, kw_only=True)
class MetaBaselineConfig(EpisodicConfig):
    """Parameters of ``meta-baseline``."""

    pretrain_epochs: int = setting(20, "epochs of classification before the episodes; 0: none", at_least=0)
    scale: float = tunable(
        10.0, 1.0, 30.0, log=True, help="factor τ of the cosines before training", at_least=1e-6
    )


class MetaBaseline(EpisodeTrained[MetaBaselineConfig]):
    """p(y = n | x) ∝ exp(τ cos(f(x), c_n)), c_n the class mean and τ learnt, after a training by classification."""

    name = "meta-baseline"
    summary = "classifier of the base classes, then trained on episodes; cosine to class means"
    reference = "Chen, Liu, Xu, Darrell, Wang: Meta-Baseline, ICCV 2021"

    def learnt_head(self, width: int) -> Module:
        """Returns τ."""
        import torch
        from torch import nn

        return nn.ParameterDict({"scale": nn.Parameter(torch.tensor(self.config.scale))})

    def logits(self, episodes: Embedded, learnt: Any) -> Tensor:
        """Returns τ cos(f(q), c_n)."""
        found: Tensor = learnt["scale"] * cosines(episodes.query, episodes.means())
        return found
