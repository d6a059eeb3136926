"""A head from a function of one episode: for quick trials, and for classifiers that solve one episode at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.errors import FsbenchError

if TYPE_CHECKING:
    from torch import Tensor

Solve = Callable[[Any, Any, Any], Any]
"""``solve(support [S, D], labels [S], query [Q, D]) -> scores [Q, n]``, n being the number of the episode's classes."""

MAX_BATCH = 8
"""Episodes between two looks at progress, the time limit and what is kept of an interrupted run."""


@dataclass(frozen=True)
class PerEpisode:
    """Solves one episode after another by ``solve(support, labels, query) -> scores``.

        def solve(support, labels, query):
            means = torch.stack([support[labels == n].mean(0) for n in range(labels.max() + 1)])
            return -torch.cdist(query, means)

        self.head = PerEpisode(solve)

    A head that solves all episodes at once is 10 to 30 times as fast (see ``Tasks.blocks``).

    Parameters
    ----------
    solve : gets tensors ``[S, D]``, ``[S]`` (0 … n−1, class after class) and ``[Q, D]`` without padding, on the table's
        device; returns ``[Q, n]``, a tensor or an array. A higher score is better.
    draws_per_episode : whether it draws random numbers (see ``Method``).
    max_batch : episodes that the engine gives at once.
    """

    solve: Solve
    draws_per_episode: bool = False
    max_batch: int = MAX_BATCH

    def scores(self, table: Tensor, tasks: Tasks) -> tuple[Tensor, dict[str, Any]]:
        """Returns float64 ``[E, Q, N]``, −inf for padding; FsbenchError for scores of another shape."""
        import torch

        found = np.full((*tasks.query.shape, tasks.ways), -np.inf)
        for episode, (support, labels, query) in enumerate(tasks.each(table)):
            ways = int(labels.max()) + 1
            scores = self.solve(support, labels, query)
            scores = scores.detach().cpu().numpy() if isinstance(scores, torch.Tensor) else np.asarray(scores)
            if scores.shape != (len(query), ways):
                raise FsbenchError(
                    f"solve returned scores of shape {tuple(scores.shape)} for an episode of {len(query)} queries and "
                    f"{ways} classes; return [queries, classes] = ({len(query)}, {ways})."
                )
            found[episode, np.flatnonzero(tasks.query[episode] >= 0), :ways] = scores
        return torch.from_numpy(found).to(table.device), {}
