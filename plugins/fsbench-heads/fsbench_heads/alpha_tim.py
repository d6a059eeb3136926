"""α-TIM (Veilleux et al. 2021): TIM with α-entropies, which ask less for queries divided evenly over classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fewshot_bench.api import Context, setting, tunable
from fsbench_heads.joint import FrozenConfig, FrozenMethod
from fsbench_heads.weight_steps import WeightSteps

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class AlphaInformation(WeightSteps):
    """Minimises CE(S) − H_α(mean p_Q) + μ H_α(p_Q), H_α(p) = (1 − Σ p^α)/(α − 1) of Tsallis.

    α = 1 stands for its limit, the entropy of Shannon.
    """

    steps: int = 50
    rate: float = 3e-4
    temperature: float = 10.0
    alpha: float = 2.0
    conditional: float = 1.0
    normalize: bool = True

    def slope(self, p: Tensor, marginal: Tensor) -> Tensor:
        """Returns α/(α − 1) (mean p^(α−1) − μ p^(α−1)), ``[e, N, Q]``."""
        a = self.alpha
        if a == 1:
            return marginal.clamp_min(1e-12).log() - self.conditional * (p + 1e-12).log()
        power = marginal.clamp_min(1e-12).pow(a - 1) - self.conditional * (p + 1e-12).pow(a - 1)
        return a / (a - 1) * power


@dataclass(frozen=True, kw_only=True)
class AlphaTimConfig(FrozenConfig):
    """Parameters of ``alpha-tim``."""

    steps: int = setting(50, "gradient steps; the authors take 1000", at_least=0)
    rate: float = tunable(3e-4, 1e-5, 1e-2, log=True, help="learning rate of Adam", at_least=0)
    temperature: float = tunable(10.0, 5.0, 30.0, log=True, help="factor τ of the cosines", at_least=0)
    alpha: float = tunable(2.0, 1.0, 8.0, help="order α of the entropies; 1 is TIM's", at_least=0.1)
    conditional: float = tunable(
        1.0, 0.01, 1.0, log=True, help="weight of the entropy of each query", at_least=0
    )
    normalize: bool = setting(True, "scale embeddings to unit length before they are averaged")


class AlphaTim(FrozenMethod[AlphaTimConfig]):
    """Cross-entropy on the support, and the α-mutual information of the queries and their predictions."""

    name = "alpha-tim"
    summary = "frozen ImageNet embeddings, transductive maximisation of the α-mutual information"
    reference = "Veilleux et al.: Realistic Evaluation of Transductive Few-Shot Learning, NeurIPS 2021"
    transductive = True

    def setup(self, context: Context) -> None:
        """Sets the maximisation on the frozen embeddings."""
        super().setup(context)
        c = self.config
        self.head = AlphaInformation(
            steps=c.steps,
            rate=c.rate,
            temperature=c.temperature,
            alpha=c.alpha,
            conditional=c.conditional,
            normalize=c.normalize,
        )
