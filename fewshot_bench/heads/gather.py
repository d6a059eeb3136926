"""Inner products of table rows, from a Gram matrix computed once or from gathered features.

Every head here needs inner products only. With the table's Gram matrix, the cost of an episode does not depend on
the embedding dimension d; without it, E·(S + Q) rows of d numbers are gathered. Products are float64, whatever
the table's type, since digits cancel in ‖q − c‖² = ‖q‖² − 2 q·c + ‖c‖². Heads that only add products up, and
whose scores do not depend on the origin, allow an error; a float32 Gram matrix of the centred table costs half. Heads
that say ``single`` take a float32 Gram matrix of the table as it is, whose products err by 1e-6 of the norms.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.errors import FsbenchError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

GRAM_BYTES = 1 << 30
"""The largest Gram matrix that is computed, in bytes of float64 (M = 11,585 rows)."""

LARGE_SUPPORT = 1 << 28
"""Working memory for the queries of an episode whose support alone fills a block."""

ROWS = 1024
"""Rows of a table that are looked at, and whose lengths are found, at once."""

MEANS_BYTES = 1 << 24
"""Working memory for the rows of which class means are made, in bytes of float64."""

GATHER_COST = 40
"""Gathering one number of a scattered row takes about as long as this many multiply-adds of a product."""


@dataclass(frozen=True, eq=False)
class Inner:
    """Gives inner products between rows of an embedding table; negative row numbers (padding) read row 0.

    ``scale [M]`` multiplies each row (1/‖x‖ for cosines). ``norms [M]`` are the squared norms of the scaled
    rows. ``gram [M, M]`` holds their products, or is None where features are gathered. ``memory`` is the
    working memory of one block of episodes, in bytes.
    """

    table: Tensor
    scale: Tensor | None
    norms: Tensor
    gram: Tensor | None
    memory: int

    def rows(self, index: Tensor) -> Tensor:
        """Returns the features of some rows: ``index [...]`` -> float64 ``[..., d]``."""
        index = index.clamp_min(0)
        rows = self.table[index].double()
        return rows if self.scale is None else rows * self.scale[index].unsqueeze(-1)

    def between(self, left: Tensor, right: Tensor) -> Tensor:
        """Returns x_left · x_right ``[e, A, B]`` for ``left [e, A]`` and ``right [e, B]``, as ``gram`` is or in
        float64.
        """
        if self.gram is None:
            return self.rows(left) @ self.rows(right).mT
        left, right = left.clamp_min(0), right.clamp_min(0)
        place = left.mul(len(self.gram)).unsqueeze(2) + right.unsqueeze(1)
        return self.gram.view(-1).index_select(0, place.view(-1)).view(place.shape)

    def with_means(self, support: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
        """Returns products with the class means c: q·c ``[e, N, Q]`` and ‖c‖² ``[e, N]``.

        ``support [e, N, K]`` and ``query [e, Q]`` are row numbers. A class without support has the mean 0.
        """
        import torch

        e, n, k = support.shape
        if (
            k == 1 and self.gram is not None and bool((support >= 0).all())
        ):  # a mean of one is the image itself
            rows = support.view(e, n)
            return self.between(rows, query), self.gram.diagonal()[rows]
        share = (support >= 0).double()
        share = share / share.sum(-1, keepdim=True).clamp_min(1)
        if self.gram is None:
            step = max(1, MEANS_BYTES // (8 * e * k * self.table.shape[1]))
            mean = torch.empty(e, n, self.table.shape[1], dtype=torch.float64, device=self.table.device)
            for some in (slice(start, start + step) for start in range(0, n, step)):
                mean[:, some] = (self.rows(support[:, some]) * share[:, some].unsqueeze(-1)).sum(2)
            return mean @ self.rows(query).mT, mean.square().sum(-1)
        cross = self.between(support.view(e, n * k), query).view(e, n, k, -1)
        flat = support.view(e * n, k)
        within = self.between(flat, flat).view(e, n, k, k)
        pairs = share.unsqueeze(-1) * share.unsqueeze(-2)
        return (cross * share.unsqueeze(-1)).sum(2), (within * pairs).sum((2, 3))

    def cost(self, ways: int, shots: int, extra: int = 0) -> tuple[int, int]:
        """Returns the bytes that one episode takes, once and for each query, with ``extra`` bytes for each product."""
        supports, width = ways * shots, self.table.shape[1]
        if self.gram is None:
            return 16 * supports * width, 16 * width + (8 + extra) * supports + 32 * ways
        return 16 * supports * shots, (24 + extra) * supports + 32 * ways

    def blocks(self, tasks: Tasks, extra: int = 0) -> Iterator[tuple[slice, slice]]:
        """Yields slices (episodes, queries) whose work fits in ``memory``.

        A slice holds whole episodes, or some queries of one. The ends of the slices do not depend on the number
        of episodes. Where the support of one episode fills the memory by itself, its queries get as much memory
        again, at most ``LARGE_SUPPORT``, because that support is gathered anew for each slice.
        """
        episodes, queries = tasks.query.shape
        fixed, each = self.cost(tasks.ways, tasks.shots, extra)
        step = max(1, self.memory // (fixed + each * max(1, queries)))
        part = max(1, max(self.memory - fixed, min(fixed, LARGE_SUPPORT)) // each)
        for start in range(0, episodes, step):
            for first in range(0, queries, part):
                yield slice(start, start + step), slice(first, first + part)


def inner_products(
    table: Tensor,
    tasks: Tasks,
    *,
    normalize: bool = False,
    error: float = 0.0,
    gram: bool = True,
    single: bool = False,
) -> Inner:
    """Returns the table ``[M, d]`` made ready for products.

    ``normalize`` divides each row by its length (0 stays 0). The Gram matrix is computed where ``gram`` allows it
    and it costs less than gathering features for these episodes. Both routes give equal products up to rounding,
    1e-15 of the norms. A head whose scores do not depend on the origin may allow an ``error``: the Gram matrix is
    then float32 around the table's mean, where rounding stays below that error. With ``single`` it is float32 around 0,
    and products err by 1e-6 of the norms.

    Raises FsbenchError for rows outside the table and for values that are not finite.
    """
    import torch

    _check(table, tasks)
    lengths = [
        torch.linalg.vector_norm(rows, dim=1, dtype=torch.float64) for rows in torch.split(table, ROWS)
    ]
    norms = torch.cat(lengths)
    scale = torch.where(norms > 0, 1 / norms, 0) if normalize else None
    norms = torch.where(norms > 0, 1.0, 0.0).double() if normalize else norms.square()
    products = None
    if gram and gram_is_cheaper(tasks, len(table)):
        products = kept(
            table, ("gram", normalize, error, single), lambda: _gram(table, scale, error, single=single)
        )
    return Inner(table, scale, norms, products, block_bytes(table.device))


def kept(table: Tensor, key: tuple[object, ...], make: Callable[[], Tensor]) -> Tensor:
    """Returns what ``make`` computes of a table, or computed before: chunks of episodes share one Gram matrix.

    It is forgotten with the table, and computed anew where the table was changed in place since, which one product of
    each row with fixed numbers shows: the array behind a tensor may change without a trace in the tensor itself. One
    table is known at a time.
    """
    import torch

    probe = (
        torch.arange(1, 1 + table.shape[1], device=table.device, dtype=torch.float64).sin().to(table.dtype)
    )
    shadow = table @ probe
    held = _KEPT.get("table")
    if held is None or held[0]() is not table or not torch.equal(held[1], shadow):
        _KEPT["table"] = held = (weakref.ref(table, _forget), shadow, {})
    if key not in held[2]:
        held[2][key] = make()
    return held[2][key]


def _forget(reference: weakref.ref[Tensor]) -> None:
    """Lets go of what is kept of a table that is gone."""
    if (held := _KEPT.get("table")) is not None and held[0] is reference:
        del _KEPT["table"]


_KEPT: dict[str, tuple[weakref.ref[Tensor], Tensor, dict[tuple[object, ...], Tensor]]] = {}
"""The last table, the product of its rows with fixed numbers, and what is kept of it."""


def _check(table: Tensor, tasks: Tasks) -> None:
    import torch

    for side, index in (("support", tasks.support), ("query", tasks.query)):
        if index.size and int(index.max()) >= len(table):
            raise FsbenchError(
                f"The {side} of an episode names row {int(index.max())} of an embedding table of "
                f"{len(table)} rows; embed the images of these episodes."
            )
    finite = torch.cat([rows.isfinite().all(1) for rows in torch.split(table, ROWS)])
    if not bool(finite.all()):
        row = int((~finite).nonzero()[0, 0])
        raise FsbenchError(
            f"Row {row} of the embedding table holds a value that is not finite; "
            "check the encoder's weights and that image."
        )


def gram_is_cheaper(tasks: Tasks, rows: int) -> bool:
    """Returns whether the Gram matrix fits, and its ½M² products cost less than gathering for these episodes."""
    supports, queries = tasks.ways * tasks.shots, tasks.query.shape[1]
    gathering = len(tasks) * (GATHER_COST * (supports + queries) + supports * queries)
    return 8 * rows * rows <= GRAM_BYTES and rows * rows <= 2 * gathering


def block_bytes(device: torch.device) -> int:
    """Returns the working memory of one block of episodes, in bytes.

    That is what the caches of a CPU hold, or what keeps an accelerator busy. It depends on the device alone, so
    that a command cuts its episodes into the same blocks each time.
    """
    return 1 << 24 if device.type == "cpu" else 1 << 30


def _gram(table: Tensor, scale: Tensor | None, error: float, *, single: bool) -> Tensor:
    """Products of all rows: float32 around their mean where that is within ``error``, else float64 or ``single``."""
    import torch

    if single:
        near = table.float()
        return _with_itself(near if scale is None else near * scale.float().unsqueeze(1))
    if error > 0:
        near = table.float() if scale is None else table.float() * scale.float().unsqueeze(1)
        near = near - near.mean(0)
        if float(near.square().sum(1).max()) * torch.finfo(torch.float32).eps < error:
            return _with_itself(near)
    exact = table.double()
    return _with_itself(exact if scale is None else exact * scale.unsqueeze(1))


def _with_itself(x: Tensor, panel: int = 256) -> Tensor:
    """X Xᵀ by panels of columns; what lies below the diagonal is mirrored, at half the cost."""
    m = len(x)
    gram = x.new_empty(m, m)
    for start in range(0, m, panel):
        stop = min(start + panel, m)
        gram[start:, start:stop] = x[start:] @ x[start:stop].T
        gram[start:stop, stop:] = gram[stop:, start:stop].T
    return gram


def indices(tasks: Tasks, device: torch.device) -> tuple[Tensor, Tensor]:
    """Returns ``support [E, N, K]`` and ``query [E, Q]`` as contiguous int64 tensors on a device."""
    import torch

    support, query = (
        torch.tensor(np.ascontiguousarray(a), device=device) for a in (tasks.support, tasks.query)
    )
    return support, query
