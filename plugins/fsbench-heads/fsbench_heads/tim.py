"""TIM (Boudiaf et al. 2020): class weights that are sure of each query, and divided over all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fewshot_bench.api import Context, setting, tunable
from fsbench_heads.joint import FrozenConfig, FrozenMethod
from fsbench_heads.weight_steps import WeightSteps

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class InformationMaximization(WeightSteps):
    """Minimises CE(S) − H(mean p_Q) + μ H(p_Q), H the entropy of Shannon."""

    steps: int = 50
    rate: float = 1e-4
    temperature: float = 10.0
    conditional: float = 0.1
    normalize: bool = True

    def slope(self, p: Tensor, marginal: Tensor) -> Tensor:
        """Returns log mean p − μ log p, ``[e, N, Q]``."""
        return marginal.clamp_min(1e-12).log() - self.conditional * (p + 1e-12).log()


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
        self.head = InformationMaximization(
            steps=c.steps,
            rate=c.rate,
            temperature=c.temperature,
            conditional=c.conditional,
            normalize=c.normalize,
        )
