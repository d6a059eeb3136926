"""Support and queries of episodes side by side, as the Gram matrix of their rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from fewshot_bench.api import (
    FROZEN_VIEW,
    Context,
    EmbeddingMethod,
    Tasks,
    View,
    indices,
    inner_products,
    setting,
)

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class FrozenConfig:
    """Parameters of the encoder, which is never trained."""

    backbone: str = setting("efficientnet_lite0", "name of a torchvision or timm network")
    weights: str | None = setting(None, "file of weights to load instead of the published ones")
    pooling: Literal["average", "lca", "lca-window", "flatten"] = setting("average", "of the feature map")
    view: View = setting(
        FROZEN_VIEW, "how a picture that is not square enters; both: padded and cropped, summed"
    )


Given = TypeVar("Given", bound=FrozenConfig)


class FrozenMethod(EmbeddingMethod[Given], Generic[Given]):
    """A frozen encoder under a head that a subclass adds."""

    api_version = 1

    def setup(self, context: Context) -> None:
        """Sets the encoder by name."""
        c = self.config
        self.encoder = context.encoder(c.backbone, weights=c.weights, pooling=c.pooling, view=c.view)


@dataclass(frozen=True, eq=False)
class Joint:
    """Holds e episodes with S support images, Q queries and T = S + Q rows, support first.

    A vector of an episode is a combination of its rows and is held by its T coefficients: with the Gram matrix
    ``gram [e, T, T]``, float64, the products of vectors A and B are A G Bᵀ. ``one_hot [e, S, N]`` holds the
    classes, 0 for padding; ``asked [e, Q]`` is 1 for queries and 0 for padding; ``classes [e, N]`` says which classes
    have support.
    """

    gram: Tensor
    one_hot: Tensor
    asked: Tensor
    classes: Tensor

    @property
    def supports(self) -> int:
        """The number of support images S, padding included."""
        return int(self.one_hot.shape[1])

    def means(self) -> Tensor:
        """Returns the coefficients of the class means ``[e, N, T]``."""
        return self.combine(self.one_hot, self.one_hot.new_zeros(*self.asked.shape, self.one_hot.shape[2]))

    def combine(self, support: Tensor, query: Tensor) -> Tensor:
        """Returns averages of rows under weights ``[e, S, N]`` and ``[e, Q, N]`` as coefficients ``[e, N, T]``.

        Padded queries weigh nothing, and a class without weight has the mean 0.
        """
        import torch

        weight = torch.cat([support, query * self.asked.unsqueeze(2)], 1).mT
        return weight / weight.sum(2, keepdim=True).clamp_min(1e-300)

    def cosine(self, vectors: Tensor) -> Tensor:
        """Returns the cosines ``[e, T, N]`` between all rows and vectors ``[e, N, T]``; 0 where one is 0."""
        product = self.gram @ vectors.mT
        length = (vectors.mT * product).sum(1, keepdim=True)
        size = self.gram.diagonal(dim1=1, dim2=2).unsqueeze(2)
        return product / (length * size).clamp_min(1e-300).sqrt()

    def squared(self, vectors: Tensor) -> Tensor:
        """Returns the squared distances ``[e, T, N]`` between all rows and vectors ``[e, N, T]``."""
        product = self.gram @ vectors.mT
        length = (vectors.mT * product).sum(1, keepdim=True)
        size = self.gram.diagonal(dim1=1, dim2=2).unsqueeze(2)
        return (size + length - 2 * product).clamp_min(0)

    def bar(self, scores: Tensor) -> Tensor:
        """Returns scores ``[e, ..., N]`` with −inf for classes without support."""
        return scores.masked_fill(~self.classes.unsqueeze(1), -float("inf"))

    def known(self) -> Tensor:
        """Returns 1 for support images and 0 for padding, ``[e, S]``."""
        return self.one_hot.sum(2)

    def shifted(self) -> Joint:
        """Returns the episodes with queries moved by m = mean(S) − mean(Q)."""
        import torch

        known = self.known()
        support = known / known.sum(1, keepdim=True).clamp_min(1)
        query = self.asked / self.asked.sum(1, keepdim=True).clamp_min(1)
        move = torch.cat([support, -query], 1)
        applies = torch.cat([torch.zeros_like(known), self.asked], 1)
        along = (self.gram @ move.unsqueeze(2)).squeeze(2)  # the products x·m of all rows
        half = along + 0.5 * (move * along).sum(1, keepdim=True) * applies
        change = applies.unsqueeze(2) * half.unsqueeze(1)
        return replace(self, gram=self.gram + change + change.mT)

    def moved(self, by: Tensor) -> Joint:
        """Returns the episodes whose row t has the vector ``by[:, t]`` (coefficients ``[e, T, T]``) added."""
        import torch

        change = torch.eye(by.shape[1], dtype=by.dtype, device=by.device) + by
        return replace(self, gram=change @ self.gram @ change.mT)

    def normalized(self) -> Joint:
        """Returns the episodes with rows of unit length; rows of 0 stay 0."""
        size = self.gram.diagonal(dim1=1, dim2=2)
        scale = (size > 1e-12) / size.clamp_min(1e-12).sqrt()
        return replace(self, gram=self.gram * scale.unsqueeze(1) * scale.unsqueeze(2))


def joints(table: Tensor, tasks: Tasks, *, normalize: bool) -> Iterator[tuple[slice, Joint]]:
    """Yields blocks of episodes in bounded memory; ``normalize`` scales rows of ``table [M, D]`` to unit length."""
    import torch

    inner = inner_products(table, tasks, normalize=normalize, single=True)
    support, query = indices(tasks, table.device)
    support = support.flatten(1)
    total = support.shape[1] + query.shape[1]
    width = 0 if inner.gram is not None else table.shape[1]
    step = max(1, inner.memory // (8 * total * (4 * total + width)))
    label = torch.arange(tasks.ways, device=table.device).repeat_interleave(tasks.shots)
    columns = (label.unsqueeze(1) == torch.arange(tasks.ways, device=table.device)).double()
    for start in range(0, len(tasks), step):
        part = slice(start, start + step)
        known, asked = support[part] >= 0, query[part] >= 0
        rows = torch.cat([support[part], query[part]], 1)
        gram = inner.between(rows, rows).double()
        if tasks.ragged:
            there = torch.cat([known, asked], 1).double()
            gram *= there.unsqueeze(1) * there.unsqueeze(2)
        one_hot = columns * known.unsqueeze(2)
        yield part, Joint(gram, one_hot, asked.double(), one_hot.sum(1) > 0)


class JointHead(ABC):
    """A head that needs the inner products of an episode's rows only."""

    normalize: bool

    @abstractmethod
    def solve(self, joint: Joint) -> Tensor:
        """Returns the scores ``[e, Q, N]`` of a block of episodes, of any value for classes without support."""

    def scores(self, table: Tensor, tasks: Tasks) -> tuple[Tensor, dict[str, Any]]:
        """Returns scores and an empty dictionary: ``table [M, D]`` -> float32 ``[E, Q, N]``."""
        import torch

        found = torch.empty(*tasks.query.shape, tasks.ways, device=table.device)
        for part, joint in joints(self.prepare(table), tasks, normalize=self.normalize):
            found[part] = joint.bar(self.solve(joint)).float()
        return found, {}

    def prepare(self, table: Tensor) -> Tensor:
        """Returns the table with each row transformed by itself; here as it is."""
        return table
