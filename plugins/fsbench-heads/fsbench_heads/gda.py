"""Gaussian discriminant analysis: classes of one covariance, that of base data or of the support."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.api import BaseData, Context, LinearEncoder, Prototype, arrays_once, setting, tunable
from fsbench_heads.joint import FrozenConfig, FrozenMethod, Joint, JointHead

if TYPE_CHECKING:
    from torch import Tensor


def within(vectors: NDArray[np.float32], labels: NDArray[np.int32]) -> NDArray[np.float64]:
    """Returns the covariance ``[D, D]`` of ``vectors [M, D]`` around the means of their classes ``labels [M]``."""
    _, place, count = np.unique(labels, return_inverse=True, return_counts=True)
    means = np.zeros((len(count), vectors.shape[1]))
    np.add.at(means, place, vectors)
    apart = vectors - (means / count[:, None])[place]
    return np.asarray(apart.T @ apart / len(apart))


def whitening(covariance: NDArray[np.float64], shrink: float) -> NDArray[np.float32]:
    """Returns W ``[D, D]`` with WᵀW = Σ⁻¹, Σ = (1 − s) C + s tr(C)/D I, the shrunk covariance of C ``[D, D]``."""
    size = len(covariance)
    level = np.trace(covariance) / size or 1.0
    root = np.linalg.cholesky((1 - shrink) * covariance + shrink * level * np.eye(size))
    return np.asarray(np.linalg.inv(root), dtype=np.float32)


@dataclass(frozen=True)
class SupportDiscriminant(JointHead):
    """Scores by w_nᵀq + b_n, w_n = Σ⁻¹c_n, b_n = −½ c_nᵀΣ⁻¹c_n, Σ the shrunk covariance of the support in its classes.

    With the S support rows X less their class means, Σ = aI + XᵀX (1 − s)/S and a = s tr(XᵀX)/(S D), and aΣ⁻¹ is
    I − Xᵀ(aS/(1 − s) I + XXᵀ)⁻¹X: inner products are enough. One image a class has no covariance, and Σ is I.
    """

    shrink: float = 0.5
    width: int = 1
    normalize: bool = False

    def scores(self, table: Tensor, tasks: Any) -> tuple[Tensor, dict[str, Any]]:
        """Returns scores and an empty dictionary: ``table [M, D]`` -> float32 ``[E, Q, N]``."""
        return JointHead.scores(replace(self, width=table.shape[1]), table, tasks)

    def solve(self, joint: Joint) -> Tensor:
        """Returns a Σ⁻¹-scaled w_nᵀq + b_n, ``[e, Q, N]``."""
        import torch

        s, means = joint.supports, joint.means()
        apart = torch.zeros_like(joint.gram[:, :s])
        apart[:, :, :s] = torch.diag_embed(joint.known())
        apart -= joint.one_hot @ means
        along = apart @ joint.gram  # products of X with all rows
        inner = along @ apart.mT
        trace = inner.diagonal(dim1=1, dim2=2).sum(1)[:, None, None]
        alone = trace <= 1e-12 * joint.gram.diagonal(dim1=1, dim2=2).sum(1)[:, None, None]
        level = torch.where(alone, 1, self.shrink * trace / (self.width * max(1 - self.shrink, 1e-6)))
        eye = torch.eye(s, dtype=inner.dtype, device=inner.device)
        towards = along @ means.mT  # products of X with the class means
        solved = torch.linalg.solve(inner + level * eye, towards).masked_fill(alone, 0)
        linear = (joint.gram @ means.mT)[:, s:] - along[:, :, s:].mT @ solved
        own = (means.mT * (joint.gram @ means.mT)).sum(1) - (towards * solved).sum(1)
        found: Tensor = linear - 0.5 * own.unsqueeze(1)
        return found


@dataclass(frozen=True, kw_only=True)
class GdaConfig(FrozenConfig):
    """Parameters of ``gda``."""

    covariance: Literal["base", "support"] = setting("base", "data whose covariance within classes is shared")
    shrink: float = tunable(
        0.5,
        0.01,
        1.0,
        log=True,
        help="share of the mean variance in all directions",
        at_least=1e-6,
        at_most=1,
    )


class Gda(FrozenMethod[GdaConfig]):
    """Nearest class mean where embeddings are whitened by the covariance within classes."""

    name = "gda"
    summary = "frozen ImageNet embeddings, Gaussian classes that share a covariance"
    reference = "Hastie, Tibshirani, Friedman: The Elements of Statistical Learning, 4.3"

    def __init__(self, config: GdaConfig | None = None) -> None:
        super().__init__(config)
        self.trains = self.config.covariance == "base"

    def fit(self, base: BaseData, context: Context) -> dict[str, Any]:
        """Computes the covariance of the base classes' embeddings within classes, which is kept, and whitens by it."""
        super().setup(context)
        inner = self.encoder
        arrays, facts = arrays_once(
            "base-covariance",
            self,
            context,
            lambda: (
                {"covariance": within(context.embed(inner, base.train), base.train.labels)},
                {"images": len(base.train)},
            ),
            parameters={},
            start=inner.fingerprint(),
            base=base.train.fingerprint,
        )
        matrix = whitening(arrays["covariance"], self.config.shrink)
        seen = ", ".join([inner.pretraining, *base.seen(labels=True, unlabelled=False)])
        self.encoder = LinearEncoder(inner, matrix, np.zeros(len(matrix), np.float32), seen)  # type: ignore[arg-type]
        return facts

    def setup(self, context: Context) -> None:
        """Sets the head, and the encoder where ``fit`` set none."""
        if not self.trains:
            super().setup(context)
            self.head = SupportDiscriminant(self.config.shrink)
        else:
            self.head = Prototype("euclidean")
