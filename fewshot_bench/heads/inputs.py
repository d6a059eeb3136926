"""The inputs of a network: an episode's embeddings, centred on its support and divided by one number.

An episode with fewer support images S than the embedding has numbers D is read in its support's principal axes: S
numbers that hold everything the support spans, whatever D is. Other episodes are read as they are. The one number
makes the support's D numbers 1 in mean square. Dividing each of the D numbers by its own would blow up those that
hardly vary among a few images. A rotation changes neither the one number nor the distribution of what random
weights make of the inputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from fewshot_bench.heads.axes import Dual, principal_axes
from fewshot_bench.heads.gather import Inner

if TYPE_CHECKING:
    from torch import Tensor

MIN_ENERGY = 1e-10
"""Axes with less than this share of the first axis's energy are rounding error and are not read."""

NOISE = 1e-13
"""Share of ‖x‖² summed over the support that is rounding of the products: images that differ by less are equal."""


class Inputs(Protocol):
    """Gives e episodes' inputs: ``width`` numbers, of which episode i uses the first ``used[i]``; the rest are 0."""

    @property
    def used(self) -> list[int]:
        """The number of inputs that each episode uses."""
        ...

    @property
    def width(self) -> int:
        """The number of inputs."""
        ...

    def take(self, place: Tensor) -> Tensor:
        """Returns the inputs of support images ``place [e, b]`` (0 … S−1) as float32 ``[e, b, width]``."""
        ...

    def queries(self, rows: Tensor) -> Tensor:
        """Returns the inputs of the table's ``rows [e, q]`` as float32 ``[e, q, width]``."""
        ...


@dataclass(frozen=True, eq=False)
class Axes:
    """Gives the coordinates of images in the principal axes of their episode's support.

    ``x [e, S, S]`` are the coordinates of the support; ``alpha [e, S, S]`` turns inner products into
    coordinates.
    """

    x: Tensor
    alpha: Tensor
    support: Dual
    used: list[int]

    @property
    def width(self) -> int:
        """The number of axes, S."""
        return self.x.shape[2]

    def take(self, place: Tensor) -> Tensor:
        """Returns the coordinates of support images ``place [e, b]`` as float32 ``[e, b, S]``."""
        return self.x.gather(1, place.unsqueeze(2).expand(-1, -1, self.width))

    def queries(self, rows: Tensor) -> Tensor:
        """Returns the coordinates Σ_i α_ir (x_i − m)·(q − m) of the table's ``rows [e, q]``, float32 ``[e, q, S]``."""
        return self.support.evaluate(self.alpha, rows).mT.float()


@dataclass(frozen=True, eq=False)
class Features:
    """Gives (x − mean) / unit for rows x of the ``table [M, D]``.

    ``rows [e, S]`` are the support's row numbers, ``mean [e, 1, D]`` and ``unit [e, 1, 1]`` those of each
    episode.
    """

    table: Tensor
    rows: Tensor
    mean: Tensor
    unit: Tensor
    used: list[int]

    @property
    def width(self) -> int:
        """The number of features, D."""
        return self.table.shape[1]

    def take(self, place: Tensor) -> Tensor:
        """Returns the scaled features of support images ``place [e, b]`` as float32 ``[e, b, D]``."""
        return self.queries(self.rows.gather(1, place))

    def queries(self, rows: Tensor) -> Tensor:
        """Returns the scaled features of the table's ``rows [e, q]`` as float32 ``[e, q, D]``."""
        return (self.table[rows.clamp_min(0)].float() - self.mean) / self.unit


def inputs_of(inner: Inner, rows: Tensor) -> Inputs:
    """Returns the inputs of episodes with support ``rows [e, S]`` (−1 for padding, which comes last)."""
    return _axes(inner, rows) if rows.shape[1] < inner.table.shape[1] else _features(inner, rows)


def _axes(inner: Inner, rows: Tensor) -> Axes:
    """Returns the axes, the largest first, each pointing to its most extreme image, so that signs are settled."""
    import torch

    support = principal_axes(inner, rows)
    assert isinstance(support, Dual)
    axes, energy = support.axes.flip(2), support.energy.flip(1)
    size = (inner.norms[rows.clamp_min(0)] * (rows >= 0)).sum(1, keepdim=True)
    real = energy > (MIN_ENERGY * energy[:, :1]).clamp_min(NOISE * size)
    extreme = axes.gather(1, axes.abs().argmax(1, keepdim=True))
    axes = torch.where(extreme < 0, -axes, axes) * real.unsqueeze(1)
    total, numbers = (energy * real).sum(1), (rows >= 0).sum(1) * inner.table.shape[1]
    unit = torch.where(total > 0, total / numbers, 1).sqrt()[:, None, None]
    alpha = axes / torch.where(real, energy, 1).unsqueeze(1) / unit
    return Axes((axes / unit).float(), alpha, support, real.sum(1).tolist())


def _features(inner: Inner, rows: Tensor, block: int = 4096) -> Features:
    """Returns the features, with sums in float64 over a block of images at a time."""
    import torch

    e, samples = rows.shape
    width = inner.table.shape[1]
    count = (rows >= 0).sum(1).double()[:, None, None]
    mean = torch.zeros(e, 1, width, dtype=torch.float64, device=rows.device)
    square = torch.zeros(e, 1, 1, dtype=torch.float64, device=rows.device)
    for start in range(0, samples, block):
        part = rows[:, start : start + block]
        mean += (inner.rows(part) * (part >= 0).unsqueeze(2)).sum(1, keepdim=True)
    mean /= count
    for start in range(0, samples, block):
        part = rows[:, start : start + block]
        near = (inner.rows(part) - mean) * (part >= 0).unsqueeze(2)
        square += near.square().sum((1, 2), keepdim=True)
    unit = torch.where(square > 0, square / (count * width), 1).sqrt()
    return Features(inner.table, rows, mean.float(), unit.float(), [width] * e)
