"""PADDLE (Martin et al. 2022): soft k-means that prefers few classes among the queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fewshot_bench.api import Context, setting, tunable
from fsbench_heads.joint import FrozenConfig, FrozenMethod, Joint, JointHead

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Partition(JointHead):
    """Minimises ½τ Σ u‖z − w_n‖² + Σ u log u − λ|Q| Σ_n π_n log π_n over assignments u and means w.

    π is the mean assignment of the queries. One round is u_q ← softmax_n(−½τ‖q − w_n‖² + λ log π_n), with π uniform at
    first, then w_n ← (Σ_S x + Σ_q u_qn q)/(K_n + Σ_q u_qn) and π ← mean u. The authors' λ is 1 in these units.
    """

    rounds: int = 20
    penalty: float = 0.5
    temperature: float = 10.0
    normalize: bool = True

    def solve(self, joint: Joint) -> Tensor:
        """Returns the logarithm of the assignments, ``[e, Q, N]``."""
        import torch

        means = joint.means()
        asked = joint.asked.unsqueeze(2)
        prior = torch.zeros_like(joint.one_hot[:, :1])
        count = asked.sum(1, keepdim=True).clamp_min(1)
        for _ in range(self.rounds):
            soft = self.assign(joint, means, prior)
            means = joint.combine(joint.one_hot, soft.exp())
            share = (soft + asked.log()).logsumexp(1, keepdim=True) - count.log()
            prior = self.penalty * share.clamp_min(-1e6)
        return self.assign(joint, means, prior)

    def assign(self, joint: Joint, means: Tensor, prior: Tensor) -> Tensor:
        """Returns log u ``[e, Q, N]`` under ``prior`` λ log π ``[e, 1, N]``."""
        near = -0.5 * self.temperature * joint.squared(means)[:, joint.supports :]
        return joint.bar(near + prior).log_softmax(2)


@dataclass(frozen=True, kw_only=True)
class PaddleConfig(FrozenConfig):
    """Parameters of ``paddle``."""

    rounds: int = setting(20, "rounds of assignments and means", at_least=0)
    penalty: float = tunable(0.5, 0.0, 2.0, help="weight λ of the share of each class", at_least=0)
    temperature: float = tunable(10.0, 1.0, 100.0, log=True, help="factor τ of the distances", at_least=0)
    normalize: bool = setting(True, "scale embeddings to unit length first")


class Paddle(FrozenMethod[PaddleConfig]):
    """Class means and assignments of queries in turns, with a penalty on the number of classes present."""

    name = "paddle"
    summary = "frozen ImageNet embeddings, soft k-means on the queries that prefers few classes"
    reference = "Martin et al.: Towards Practical Few-Shot Query Sets, NeurIPS 2022"
    transductive = True

    def setup(self, context: Context) -> None:
        """Sets the partition on the frozen embeddings."""
        super().setup(context)
        c = self.config
        self.head = Partition(c.rounds, c.penalty, c.temperature, c.normalize)
