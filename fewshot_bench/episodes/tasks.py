"""Tasks: episodes as a method sees them, rows of a table without query labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.episodes.blocks import MEMORY, Block, blocks_of

Table = TypeVar("Table")
"""A NumPy array, or a torch tensor on any device."""


@dataclass(frozen=True, eq=False)
class Tasks:
    """A batch of E episodes as row numbers into a table of images or embeddings.

    Parameters
    ----------
    support : int64 [E, N, K], row of the k-th support image of class n; −1 where an episode has fewer
        classes than N or a class fewer shots than K (padding comes last).
    query : int64 [E, Q], rows of the query images in an order that says nothing about their class; −1
        where an episode has fewer than Q.
    names : object [E, N], the name of each class as a text ("" for a padded one), for a method that declares
        ``reads_names``; None for all others.
    """

    support: NDArray[np.int64]
    query: NDArray[np.int64]
    names: NDArray[np.object_] | None = None

    def __len__(self) -> int:
        return int(self.support.shape[0])

    def __getitem__(self, part: slice) -> Tasks:
        """Returns the episodes ``part`` of the batch."""
        return Tasks(self.support[part], self.query[part], None if self.names is None else self.names[part])

    @property
    def ways(self) -> int:
        """The number of classes N, the largest of an episode."""
        return int(self.support.shape[1])

    @property
    def shots(self) -> int:
        """The number of support images K, the largest of a class."""
        return int(self.support.shape[2])

    @property
    def ragged(self) -> bool:
        """Whether some episode is padded."""
        return bool((self.support < 0).any() or (self.query < 0).any())

    def each(self, table: Table) -> Iterator[tuple[Table, Any, Table]]:
        """Yields ``support, labels, query`` of one episode after another, without padding.

        This is the loop for quick trials and for estimators that solve one episode at a time. Heads that solve all
        episodes at once are many times faster.

        Parameters
        ----------
        table : ``[M, ...]``, embeddings or pictures, as a NumPy array or a torch tensor.

        Yields
        ------
        support : ``[S, ...]``, the rows of the table that are the episode's support, class after class.
        labels : int64 ``[S]``, the position 0 ... N - 1 of each support image's class in the episode. A class without
            support images has no label here.
        query : ``[Q, ...]``, the rows of the queries, in the order of ``self.query`` with its padding left out.

        All three are of the table's kind and on its device.
        """
        for support, query in zip(self.support, self.query, strict=True):
            labels, shots = np.nonzero(support >= 0)
            rows = (support[labels, shots], labels.astype(np.int64), query[query >= 0])
            yield _taken(table, *rows)

    def blocks(self, table: Any, memory: int = MEMORY) -> Iterator[Block]:
        """Yields blocks of episodes with support, one-hot labels, queries and masks, in about ``memory`` bytes each.

        This is the gathering of a head that solves all episodes at once:

            for block in tasks.blocks(table):
                means = block.one_hot.mT @ block.support / block.one_hot.sum(1).clamp_min(1).unsqueeze(2)
                scores[block.episodes] = -torch.cdist(block.query, means)

        ``table`` is ``[M, ...]``, a NumPy array or a torch tensor. See ``Block`` for what each part is; unequal classes
        and queries are padded with 0 and masked.
        """
        return blocks_of(self, table, memory)


def _taken(table: Any, support: Any, labels: Any, query: Any) -> Any:
    """Returns the rows of a table, and the labels as the table is: an array or a tensor on its device."""
    if not isinstance(table, np.ndarray):
        import torch

        support, labels, query = (
            torch.from_numpy(array).to(table.device) for array in (support, labels, query)
        )
    return table[support], labels, table[query]
