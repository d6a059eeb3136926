"""Heads whose support is done with: means, and neighbours, that answer any query without reading the support anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import FsbenchError
from fewshot_bench.heads import gallery

if TYPE_CHECKING:
    from torch import Tensor

BLOCK = 4096
"""Rows of a table that are summed in float64 at once."""

CLASSES = 1024
"""Classes at most whose means are one table."""

DISTANCES = 1 << 24
"""Distances that are held at once."""

EXACT = 64
"""Nearest images whose distances are computed in float64; those of the others are float32 products."""


def flat(support: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the rows ``[S]`` of a support ``[N, K]`` and their classes ``[S]``, without padding.

    Raises FsbenchError for a class without support.
    """
    present = support >= 0
    if not present.any(1).all():
        raise FsbenchError("Every class of a fitted head needs a support image.")
    return support[present], np.nonzero(present)[0]


def lengths(rows: Tensor) -> Tensor:
    """Returns the lengths of rows ``[M, D]`` as ``[M, 1]``, infinity where one is 0, so that 0 stays 0."""
    import torch

    length = rows.norm(dim=1, keepdim=True)
    return torch.where(length > 0, length, float("inf"))


@dataclass(frozen=True, eq=False)
class FittedMeans:
    """Class means, float64 ``[N, D]``, of length 1 for ``cosine``; ``norms [N]`` are their squared lengths.

    ``parts`` are the means of some classes each, in order, which versions share.
    """

    parts: tuple[Tensor, ...]
    norms: Tensor
    cosine: bool

    @property
    def means(self) -> Tensor:
        """The means of all classes; a copy where there are several parts."""
        import torch

        return self.parts[0] if len(self.parts) == 1 else torch.cat(self.parts)

    def __call__(self, queries: Tensor) -> Tensor:
        """Returns the cosine, or minus the squared distance, of embeddings ``[Q, D]`` as float32 ``[Q, N]``."""
        import torch

        asked = queries.double()
        asked = asked / lengths(asked) if self.cosine else asked
        products = torch.cat([asked @ part.T for part in self.parts], 1)
        if self.cosine:
            return products.float()
        near = 2 * products - asked.square().sum(1, keepdim=True) - self.norms
        return near.clamp_max(0).float()

    def carried(self, origin: NDArray[np.int64], table: Tensor, support: NDArray[np.int64]) -> FittedMeans:
        """Returns the means of other classes: class n has the mean of class ``origin[n]`` of these, where it is not −1.

        Those that are kept are in the same order. The others are solved, in order, from ``support`` [n, K], rows of
        ``table [m, D]`` (−1: padding). Parts whose classes are the same are shared.
        """
        import torch

        starts = np.cumsum([0, *map(len, self.parts)])
        place = np.cumsum(origin < 0) - 1
        solved = fitted_means(table, support, cosine=self.cosine)
        owner = np.searchsorted(starts, origin, side="right") - 1  # −1: goes with the class before it
        owner = np.maximum.accumulate(owner.clip(0))
        parts: list[Tensor] = []
        for number in np.unique(owner).tolist():
            own, part, first = owner == number, self.parts[number], starts[number]
            if np.array_equal(origin[own], np.arange(first, first + len(part))):
                parts.append(part)
                continue
            found = part[torch.from_numpy((origin[own] - first).clip(0)).to(part.device)]
            anew = np.flatnonzero(origin[own] < 0)
            found[anew] = solved.means[place[own][anew]]
            parts += torch.split(found, CLASSES)
        norms = self.norms[torch.from_numpy(origin.clip(0)).to(self.norms.device)]
        norms[np.flatnonzero(origin < 0)] = solved.norms
        return FittedMeans(tuple(parts), norms, self.cosine)


def fitted_means(table: Tensor, support: NDArray[np.int64], *, cosine: bool) -> FittedMeans:
    """Returns the means of a support's rows ``[N, K]`` in ``table [M, D]``; of rows at length 1 for ``cosine``."""
    import torch

    rows, label = flat(support)
    means = torch.zeros(len(support), table.shape[1], dtype=torch.float64, device=table.device)
    for start in range(0, len(rows), BLOCK):
        part = torch.from_numpy(rows[start : start + BLOCK]).to(table.device)
        values = table[part].double()
        of = torch.from_numpy(label[start : start + BLOCK]).to(table.device)
        means.index_add_(0, of, values / lengths(values) if cosine else values)
    if cosine:
        means /= lengths(means)
    else:
        means /= torch.from_numpy(np.bincount(label)).to(means).unsqueeze(1)
    return FittedMeans(torch.split(means, CLASSES), means.square().sum(1), cosine)


@dataclass(frozen=True, eq=False)
class FittedNeighbours:
    """Support images ``rows`` float32 ``[S, D]`` sorted by class, ``label [S]``, and k voters of a metric."""

    rows: Tensor
    label: Tensor
    ways: int
    k: int
    cosine: bool

    def __call__(self, queries: Tensor) -> Tensor:
        """Returns the votes for embeddings ``[Q, D]`` as float64 ``[Q, N]``, ties broken as ``KNearest`` does."""
        import torch

        step = max(1, DISTANCES // len(self.rows))
        return torch.cat([self._votes(part) for part in torch.split(queries, step)])

    def _votes(self, queries: Tensor) -> Tensor:
        import torch

        distance = self.distances(queries)
        votes = gallery.votes(distance, self.k, self.label, self.ways)
        near = distance.new_full((len(distance), self.ways), float("inf"))
        near.scatter_reduce_(1, self.label.expand(len(distance), -1), distance, "amin")
        rank = torch.searchsorted(near.sort(-1).values, near)
        return (votes + (self.ways - rank) / ((self.ways + 1) * len(self.rows))) / self.k

    def units(self) -> Tensor:
        """Returns the rows as float64 ``[S, D]``, of length 1 for ``cosine``."""
        exact = self.rows.double()
        return exact / lengths(exact) if self.cosine else exact

    def distances(self, queries: Tensor) -> Tensor:
        """Returns the distances to all rows, float32 ``[Q, S]``.

        Those of the nearest ``EXACT`` are computed in float64, so that equal images are equally far.
        """
        asked = queries.double()
        asked = asked / lengths(asked) if self.cosine else asked
        products = asked.float() @ self.rows.T
        if self.cosine:
            distance = 1 - products / lengths(self.rows).T
        else:
            norms = self.rows.square().sum(1)
            distance = (asked.square().sum(1, keepdim=True).float() + norms - 2 * products).clamp_min(0)
        near = distance.topk(min(len(self.rows), max(EXACT, 2 * self.k)), largest=False).indices
        picked = self.rows[near].double()
        if self.cosine:
            exact = 1 - (picked * asked.unsqueeze(1)).sum(2) / lengths(picked.flatten(0, 1)).view(near.shape)
        else:
            exact = (picked - asked.unsqueeze(1)).square().sum(2)
        return distance.scatter(1, near, exact.float())


def fitted_neighbours(table: Tensor, support: NDArray[np.int64], *, k: int, cosine: bool) -> FittedNeighbours:
    """Returns the images of a support's rows ``[N, K]`` in ``table [M, D]``, made ready to be asked."""
    import torch

    rows, label = flat(support)
    images = torch.empty(len(rows), table.shape[1], device=table.device)
    for start in range(0, len(rows), BLOCK):
        images[start : start + BLOCK] = table[torch.from_numpy(rows[start : start + BLOCK]).to(table.device)]
    return FittedNeighbours(images, torch.from_numpy(label).to(table.device), len(support), k, cosine)
