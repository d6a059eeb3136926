"""Soft k-means (Ren et al. 2018): class means refined by queries that belong to them in part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fewshot_bench.api import Context, setting, tunable
from fsbench_heads.joint import FrozenConfig, FrozenMethod, Joint, JointHead

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class SoftMeans(JointHead):
    """Refines means by z_qn = softmax_n(−τ‖q − c_n‖²), c_n ← (Σ_S x + Σ_q z_qn q)/(K + Σ_q z_qn)."""

    steps: int = 1
    temperature: float = 1.0
    normalize: bool = True

    def solve(self, joint: Joint) -> Tensor:
        """Returns −τ‖q − c_n‖² to the refined means, ``[e, Q, N]``."""
        means, s = joint.means(), joint.supports
        for _ in range(self.steps):
            near = joint.bar(-self.temperature * joint.squared(means)[:, s:])
            means = joint.combine(joint.one_hot, near.softmax(2))
        return -self.temperature * joint.squared(means)[:, s:]


@dataclass(frozen=True, kw_only=True)
class SoftKmeansConfig(FrozenConfig):
    """Parameters of ``soft-kmeans``."""

    steps: int = setting(1, "refinements of the means", at_least=0)
    temperature: float = tunable(1.0, 0.1, 100.0, log=True, help="factor τ of the distances", at_least=0)
    normalize: bool = setting(True, "scale embeddings to unit length first")


class SoftKmeans(FrozenMethod[SoftKmeansConfig]):
    """Class means, and the queries that belong to them in part."""

    name = "soft-kmeans"
    summary = "frozen ImageNet embeddings, class means refined by soft k-means on the queries"
    reference = "Ren et al.: Meta-Learning for Semi-Supervised Few-Shot Classification, ICLR 2018"
    transductive = True

    def setup(self, context: Context) -> None:
        """Sets soft k-means on the frozen embeddings."""
        super().setup(context)
        c = self.config
        self.head = SoftMeans(c.steps, c.temperature, c.normalize)
