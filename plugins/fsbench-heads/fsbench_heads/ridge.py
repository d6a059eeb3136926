"""Ridge regression to the classes (the head of R2D2, Bertinetto et al. 2019), solved in the support's dual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fewshot_bench.api import Context, setting, tunable
from fsbench_heads.joint import FrozenConfig, FrozenMethod, Joint, JointHead

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Ridge(JointHead):
    """Scores a query by qᵀW, W = Xᵀ(XXᵀ + λI)⁻¹Y with the classes Y as ones and zeros.

    Classes count alike: the errors of an image of class n weigh S/(N K_n), which is 1 where all classes are as large,
    so that λ stands divided by it on the diagonal.
    """

    penalty: float = 1.0
    normalize: bool = True

    def solve(self, joint: Joint) -> Tensor:
        """Returns the regressed values, ``[e, Q, N]``."""
        import torch

        hot, s = joint.one_hot, joint.supports
        size = hot.sum(1, keepdim=True)
        alike = joint.classes.sum(1)[:, None, None] * size / size.sum(2, keepdim=True).clamp_min(1)
        diagonal = self.penalty * ((hot * alike).sum(2) + 1 - joint.known())
        inner = joint.gram[:, :s, :s] + torch.diag_embed(diagonal)
        return joint.gram[:, s:, :s] @ torch.cholesky_solve(hot, torch.linalg.cholesky(inner))


@dataclass(frozen=True, kw_only=True)
class RidgeConfig(FrozenConfig):
    """Parameters of ``ridge``."""

    penalty: float = tunable(1.0, 1e-3, 1e3, log=True, help="strength λ of the L2 penalty", at_least=1e-6)
    normalize: bool = setting(True, "scale embeddings to unit length first")


class RidgeMethod(FrozenMethod[RidgeConfig]):
    """Least squares with an L2 penalty from embeddings to classes."""

    name = "ridge"
    summary = "frozen ImageNet embeddings, ridge regression to the classes"
    reference = "Bertinetto et al.: Meta-learning with differentiable closed-form solvers, ICLR 2019"

    def setup(self, context: Context) -> None:
        """Sets the regression on the frozen embeddings."""
        super().setup(context)
        self.head = Ridge(self.config.penalty, self.config.normalize)
