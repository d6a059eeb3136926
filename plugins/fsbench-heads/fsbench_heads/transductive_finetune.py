"""Transductive fine-tuning (Dhillon et al. 2020): the last layer becomes sure of each query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fewshot_bench.api import Context, setting, tunable
from fsbench_heads.joint import FrozenConfig, FrozenMethod
from fsbench_heads.weight_steps import Distance, WeightSteps

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class TransductiveSteps(WeightSteps):
    """Minimises CE(S) + μ H(p_Q), H the mean entropy of the queries' predictions, over the last layer alone."""

    steps: int = 25
    rate: float = 5e-5
    temperature: float = 1.0
    conditional: float = 1.0
    normalize: bool = True
    distance: Distance = "euclidean"

    def slope(self, p: Tensor, marginal: Tensor) -> Tensor:
        """Returns −μ log p, ``[e, N, Q]``."""
        return -self.conditional * (p + 1e-12).log()


@dataclass(frozen=True, kw_only=True)
class TransductiveFinetuneConfig(FrozenConfig):
    """Parameters of ``transductive-finetune``."""

    steps: int = setting(25, "gradient steps", at_least=0)
    rate: float = tunable(5e-5, 1e-5, 1e-2, log=True, help="learning rate of Adam", at_least=0)
    temperature: float = tunable(1.0, 0.5, 30.0, log=True, help="factor τ of the logits", at_least=0)
    conditional: float = tunable(
        1.0, 0.01, 1.0, log=True, help="weight of the entropy of each query", at_least=0
    )
    distance: Distance = setting("euclidean", "logits: cosines to the weights, or minus distances")
    normalize: bool = setting(True, "scale embeddings to unit length before they are averaged")


class TransductiveFinetune(FrozenMethod[TransductiveFinetuneConfig]):
    """Cross-entropy on the support and entropy of the queries, by gradient steps on the class weights."""

    name = "transductive-finetune"
    summary = "frozen ImageNet embeddings, class weights fine-tuned on the support and on sure queries"
    reference = "Dhillon et al.: A Baseline for Few-Shot Image Classification, ICLR 2020"
    transductive = True

    def setup(self, context: Context) -> None:
        """Sets the fine-tuning on the frozen embeddings."""
        super().setup(context)
        c = self.config
        self.head = TransductiveSteps(
            steps=c.steps,
            rate=c.rate,
            temperature=c.temperature,
            conditional=c.conditional,
            normalize=c.normalize,
            distance=c.distance,
        )
