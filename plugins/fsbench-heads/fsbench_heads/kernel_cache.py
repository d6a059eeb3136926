"""Kernel cache (the image part of Tip-Adapter, Zhang et al. 2022): each reference votes for its class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fewshot_bench.api import Context, tunable
from fsbench_heads.joint import FrozenConfig, FrozenMethod, Joint, JointHead

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class KernelCache(JointHead):
    """Scores a query by the logarithm of the mean over class n's images of exp(−β(1 − cos(q, x_i))).

    The authors add the votes up, and give each class as many images; a sum would favour the classes with more, so that
    classes count alike here by the mean. With equal shots both rank classes the same.
    """

    sharpness: float = 5.5
    normalize: bool = True

    def solve(self, joint: Joint) -> Tensor:
        """Returns the logarithms of the mean votes, ``[e, Q, N]``."""
        s = joint.supports
        vote = -self.sharpness * (1 - joint.gram[:, s:, :s]).unsqueeze(3)  # [e, Q, S, 1]
        each = joint.one_hot.log().unsqueeze(1)  # 0 in the class of an image, −∞ elsewhere
        return (vote + each).logsumexp(2) - joint.one_hot.sum(1).clamp_min(1).log().unsqueeze(1)


@dataclass(frozen=True, kw_only=True)
class KernelCacheConfig(FrozenConfig):
    """Parameters of ``kernel-cache``."""

    sharpness: float = tunable(5.5, 0.5, 50.0, log=True, help="sharpness β of the votes", at_least=0)


class KernelCacheMethod(FrozenMethod[KernelCacheConfig]):
    """Votes of the support images, which fall off with the cosine."""

    name = "kernel-cache"
    summary = "frozen ImageNet embeddings, mean vote of each class's images by exp(−β(1 − cos))"
    reference = "Zhang et al.: Tip-Adapter, ECCV 2022 (its cache of images, without text)"

    def setup(self, context: Context) -> None:
        """Sets the cache on the frozen embeddings."""
        super().setup(context)
        self.head = KernelCache(self.config.sharpness)
