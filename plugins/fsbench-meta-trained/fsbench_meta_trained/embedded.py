"""Episodes as embeddings, in training and in evaluation: a method computes the scores of both by one function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fewshot_bench.api import Tasks

if TYPE_CHECKING:
    from torch import Tensor

BLOCK_BYTES = 1 << 24
"""Memory of the embeddings of one block of episodes in evaluation."""


@dataclass(frozen=True, eq=False)
class Embedded:
    """T episodes of N classes with at most K support pictures each and Q queries, as embeddings of D values.

    ``support [T, N, K, D]``, ``query [T, Q, D]``; ``present [T, N, K]`` is 0 for padding, whose embeddings are 0,
    and else 1.
    """

    support: Tensor
    query: Tensor
    present: Tensor

    def means(self) -> Tensor:
        """Returns the mean of the support of each class, ``[T, N, D]``, 0 for classes without support."""
        count = self.present.sum(2, keepdim=True).clamp_min(1)
        return self.support.sum(2) / count

    def classes(self) -> Tensor:
        """Returns which classes have support, bool ``[T, N]``."""
        return self.present.sum(2) > 0

    def labels(self) -> Tensor:
        """Returns the one-hot classes of the support, class after class, ``[T, N·K, N]``, 0 for padding."""
        import torch

        ways = self.present.shape[1]
        own = torch.eye(ways, device=self.present.device).unsqueeze(1)
        return (own * self.present.unsqueeze(3)).flatten(1, 2)


def all_present(support: Tensor, query: Tensor) -> Embedded:
    """Returns training episodes, which have no padding: ``support [T, N, K, D]`` and ``query [T, Q, D]``."""
    return Embedded(support, query, support.new_ones(support.shape[:3]))


@dataclass(frozen=True, eq=False)
class EmbeddedHead:
    """Scores episodes by ``logits``, a function from ``Embedded`` to ``[T, Q, N]``, in blocks of bounded memory."""

    logits: Callable[[Embedded], Tensor]

    def scores(self, table: Tensor, tasks: Tasks) -> tuple[Tensor, dict[str, Any]]:
        """Returns scores and an empty dictionary: ``table [M, D]`` -> float32 ``[E, Q, N]``."""
        import torch

        found = torch.empty(*tasks.query.shape, tasks.ways, device=table.device)
        with torch.no_grad():
            for block in tasks.blocks(table.float(), BLOCK_BYTES):
                shape = tasks.ways, tasks.shots
                present = block.support_mask.float().reshape(-1, *shape)
                logits = self.logits(
                    Embedded(block.support.reshape(-1, *shape, table.shape[1]), block.query, present)
                )
                found[block.episodes] = logits.masked_fill(~block.class_mask.unsqueeze(1), -float("inf"))
        return found, {}
