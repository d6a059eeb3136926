"""BD-CSPN (Liu, Song, Qin 2020): class means rectified by the queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fewshot_bench.api import Context, setting
from fsbench_heads.joint import FrozenConfig, FrozenMethod, Joint, JointHead

if TYPE_CHECKING:
    from torch import Tensor


def rectified(joint: Joint) -> Tensor:
    """Returns the coefficients ``[e, N, T]`` of class means over support and queries assigned to them.

    Each image weighs exp(cos(z, c_n)), for the class that it has or that is nearest (Liu et al. 2020).
    """
    import torch

    near = joint.bar(joint.cosine(joint.means()))
    weight = near.exp()
    assigned = torch.zeros_like(near).scatter_(2, near.argmax(2, keepdim=True), 1)
    s = joint.supports
    return joint.combine(joint.one_hot * weight[:, :s], (assigned * weight)[:, s:])


@dataclass(frozen=True)
class Rectification(JointHead):
    """Scores a query, shifted by mean(S) − mean(Q), by its cosine to the rectified class means."""

    normalize: bool = True

    def solve(self, joint: Joint) -> Tensor:
        """Returns the cosines to the rectified means, ``[e, Q, N]``."""
        joint = joint.shifted()
        return joint.cosine(rectified(joint))[:, joint.supports :]


@dataclass(frozen=True, kw_only=True)
class BdCspnConfig(FrozenConfig):
    """Parameters of ``bd-cspn``."""

    normalize: bool = setting(True, "scale embeddings to unit length first")


class BdCspn(FrozenMethod[BdCspnConfig]):
    """q ← q + mean(S) − mean(Q); means take in the queries assigned to them, weighted by exp(cos)."""

    name = "bd-cspn"
    summary = "frozen ImageNet embeddings, class means rectified by the queries"
    reference = "Liu, Song, Qin: Prototype Rectification for Few-Shot Learning, ECCV 2020"
    transductive = True

    def setup(self, context: Context) -> None:
        """Sets the rectified means on the frozen embeddings."""
        super().setup(context)
        self.head = Rectification(self.config.normalize)
