"""Blocks of episodes with what a batched head needs of them, gathered in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from fewshot_bench.episodes.tasks import Tasks

MEMORY = 1 << 28
"""Bytes of a block where no other number is asked for."""


@dataclass(frozen=True, eq=False)
class Block:
    """A few episodes: e of them, with N classes, S = N · K support images and Q queries, padding included.

    All parts are of the table's kind (NumPy or torch) and on its device. Padding is 0, in the one-hot labels too, and
    its masks are False.

    Parameters
    ----------
    episodes : which episodes of the tasks these are.
    support : [e, S, ...], rows of the table, class after class.
    one_hot : float [e, S, N], 1 where a support image is of a class; of the table's type where that is a float.
    query : [e, Q, ...], rows of the table.
    support_mask, query_mask, class_mask : bool [e, S], [e, Q] and [e, N].
    """

    episodes: slice
    support: Any
    one_hot: Any
    query: Any
    support_mask: Any
    query_mask: Any
    class_mask: Any


def blocks_of(tasks: Tasks, table: Any, memory: int = MEMORY) -> Iterator[Block]:
    """Yields the episodes in blocks of about ``memory`` bytes; an episode that needs more is a block of its own.

    The ends of the blocks depend on the shapes of one episode and on ``memory`` alone.
    """
    ways, shots = tasks.ways, tasks.shots
    supports, queries = ways * shots, tasks.query.shape[1]
    row = int(np.prod(table.shape[1:], dtype=np.int64)) * int(table.itemsize)
    each = (supports + queries) * (row + 9) + supports * ways * 8 + ways
    step = max(1, memory // max(1, each))
    for start in range(0, len(tasks), step):
        part = slice(start, min(start + step, len(tasks)))
        support = tasks.support[part].reshape(part.stop - start, supports)
        query = tasks.query[part]
        classes = np.repeat(np.arange(ways), shots)
        one_hot = (classes[:, None] == np.arange(ways)) & (support >= 0)[:, :, None]
        masks = (support >= 0, query >= 0, (tasks.support[part] >= 0).any(axis=2))
        yield _gathered(part, table, support, query, one_hot, *masks)


def _gathered(part: slice, table: Any, support: Any, query: Any, one_hot: Any, *masks: Any) -> Block:
    """Returns the block of index arrays, as the table is: arrays, or tensors on its device."""
    if isinstance(table, np.ndarray):
        kind = table.dtype if table.dtype.kind == "f" else np.dtype(np.float32)
        one_hot = one_hot.astype(kind)
    else:
        import torch

        kind = table.dtype if table.dtype.is_floating_point else torch.float32
        support, query = (torch.from_numpy(a).to(table.device) for a in (support, query))
        masks = tuple(torch.from_numpy(mask).to(table.device) for mask in masks)
        one_hot = torch.from_numpy(one_hot).to(device=table.device, dtype=kind)
    shown = []
    for rows, mask in ((support, masks[0]), (query, masks[1])):
        found = table[rows.clip(min=0)]
        found[~mask] = 0
        shown.append(found)
    return Block(part, shown[0], one_hot, shown[1], *masks)
