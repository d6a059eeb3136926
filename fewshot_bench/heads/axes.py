"""The support of an episode in its own principal axes: at most min(S, d) coordinates that lose nothing.

With G = U Λ Uᵀ the Gram matrix of the S centred support images, the rows of Z = U Λ^½ have the same inner
products as the images. Where S exceeds the embedding's d, the axes come from the d × d scatter matrix.
Rank-deficient supports (duplicates, S > d) give columns of zeros. Queries are never projected: a linear
classifier W = Σ α_i (x_i − m) acts on them through inner products, or through W itself where S > d.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fewshot_bench.heads.gather import Inner

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Dual:
    """Holds the support of e episodes with S ≤ d in its principal axes.

    ``axes [e, S, R]`` are coordinates around the support's mean m, and 0 for padding. ``energy [e, R]`` holds
    the sums of squares of their columns, ``rows [e, S]`` the rows of the table, ``share [e, S, 1]`` the weight
    of each image in m, and ``to_mean [e, S, 1]`` the products x_i · m.
    """

    axes: Tensor
    energy: Tensor
    inner: Inner
    rows: Tensor
    share: Tensor
    to_mean: Tensor

    def evaluate(self, alpha: Tensor, query: Tensor) -> Tensor:
        """Returns Σ_i α_i (x_i − m)·(q − m): ``alpha [e, S, N]`` (0 for padding), ``query [e, Q]`` -> ``[e, N, Q]``."""
        centred = (alpha - (self.share > 0) * (self.share.mT @ alpha)).mT
        cross = self.inner.between(self.rows, query)
        return centred.to(cross.dtype) @ cross - (centred @ self.to_mean).to(cross.dtype)


@dataclass(frozen=True, eq=False)
class Primal:
    """Holds the support of e episodes with S > d: ``features [e, S, d]`` around ``mean [e, 1, d]``.

    ``axes`` and ``energy`` are those of ``Dual``.
    """

    axes: Tensor
    energy: Tensor
    inner: Inner
    features: Tensor
    mean: Tensor

    def evaluate(self, alpha: Tensor, query: Tensor) -> Tensor:
        """Returns what ``Dual.evaluate`` returns, by way of the d features."""
        return (alpha.mT @ self.features) @ (self.inner.rows(query) - self.mean).mT


def principal_axes(inner: Inner, rows: Tensor) -> Dual | Primal:
    """Returns the support ``rows [e, S]`` (−1 for padding) in its principal axes, as a ``Dual`` where S ≤ d."""
    import torch

    present = (rows >= 0).unsqueeze(2)
    share = present / present.sum(1, keepdim=True, dtype=torch.float64).clamp_min(1)
    if rows.shape[1] <= inner.table.shape[1]:
        gram = inner.between(rows, rows).double()
        to_mean = gram @ share
        centred = gram - to_mean - to_mean.mT + share.mT @ to_mean
        energy, vectors = torch.linalg.eigh(centred * present * present.mT)
        energy = energy.clamp_min(0)
        return Dual(vectors * energy.sqrt().unsqueeze(1) * present, energy, inner, rows, share, to_mean)
    features = inner.rows(rows)
    mean = share.mT @ features
    features = (features - mean) * present
    energy, vectors = torch.linalg.eigh(features.mT @ features)
    return Primal(features @ vectors, energy.clamp_min(0), inner, features, mean)
