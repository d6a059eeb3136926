"""LaplacianShot (Ziko et al. 2020): neighbouring queries are drawn to the same class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fewshot_bench.api import Context, setting, tunable
from fsbench_heads.bd_cspn import rectified
from fsbench_heads.joint import FrozenConfig, FrozenMethod, Joint, JointHead

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Laplacian(JointHead):
    """Iterates y_q ← softmax(−a_q + λ Σ_p w_qp y_p) (Ziko et al. 2020).

    a are squared distances to BD-CSPN's means, and w_qp is 1 where p is one of the k nearest queries of q, else 0.
    """

    k: int = 3
    penalty: float = 0.7
    rounds: int = 20
    normalize: bool = True

    def solve(self, joint: Joint) -> Tensor:
        """Returns the logarithm of the assignments, ``[e, Q, N]``."""
        joint, unary = self.unary(joint)
        s = joint.supports
        weight, place = self.neighbours(joint.gram[:, s:, s:], joint.asked)
        unary = unary.mT.float().contiguous()  # [e, N, Q]
        found, ways = unary, unary.shape[1]
        for _ in range(self.rounds):
            soft = found.softmax(1)
            found = unary.clone()
            for k in range(place.shape[2]):
                there = place[:, :, k].unsqueeze(1).expand(-1, ways, -1)
                found.addcmul_(weight[:, :, k].unsqueeze(1), soft.gather(2, there))
        return found.log_softmax(1).mT

    def unary(self, joint: Joint) -> tuple[Joint, Tensor]:
        """Returns the episodes with shifted queries, and −a ``[e, Q, N]``."""
        joint = joint.shifted()
        return joint, joint.bar(-joint.squared(rectified(joint))[:, joint.supports :])

    def neighbours(self, gram: Tensor, asked: Tensor) -> tuple[Tensor, Tensor]:
        """Returns λ w_qp and p ``[e, Q, k]`` of the nearest queries p of each, from products ``[e, Q, Q]``.

        Padding is no neighbour and has none: its weights are 0.
        """
        size = gram.diagonal(dim1=1, dim2=2)
        near = 2 * gram - size.unsqueeze(1) - size.unsqueeze(2)
        near = near.masked_fill(asked.unsqueeze(1) == 0, -float("inf"))
        near.diagonal(dim1=1, dim2=2).fill_(-float("inf"))
        value, place = near.topk(min(self.k, near.shape[2]), dim=2)
        return (self.penalty * value.isfinite() * asked.unsqueeze(2)).float(), place


@dataclass(frozen=True, kw_only=True)
class LaplacianConfig(FrozenConfig):
    """Parameters of ``laplacianshot``."""

    k: int = tunable(3, 1, 10, help="nearest queries of each query", at_least=1)
    penalty: float = tunable(0.7, 0.1, 1.5, help="weight λ of the neighbours", at_least=0)
    rounds: int = setting(20, "rounds of the bound update", at_least=0)
    normalize: bool = setting(True, "scale embeddings to unit length first")


class LaplacianShot(FrozenMethod[LaplacianConfig]):
    """Distances to rectified class means, regularised by the Laplacian of the queries' neighbours."""

    name = "laplacianshot"
    summary = "frozen ImageNet embeddings, rectified class means, Laplacian of the queries"
    reference = "Ziko, Dolz, Granger, Ben Ayed: Laplacian Regularized Few-Shot Learning, ICML 2020"
    transductive = True

    def setup(self, context: Context) -> None:
        """Sets the regularised assignment on the frozen embeddings."""
        super().setup(context)
        c = self.config
        self.head = Laplacian(c.k, c.penalty, c.rounds, c.normalize)
