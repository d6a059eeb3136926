"""k nearest neighbours among an episode's support images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.errors import UsageError
from fewshot_bench.heads import distances, gallery, gather
from fewshot_bench.heads.fitted import FittedNeighbours, fitted_neighbours
from fewshot_bench.heads.gather import Inner, indices, inner_products
from fewshot_bench.heads.members import members

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class KNearest:
    """Scores a class by the votes of the k nearest support images.

    With the neighbours N_k(q) of a query q, the score of class n is |{i in N_k(q): y_i = n}| / k (Cover and Hart
    1967). Of classes with equal votes, the one with the nearest image wins.

    Parameters
    ----------
    k : voters, from 1 to the number of support images of an episode.
    metric : ``euclidean`` (‖a − b‖²) or ``cosine`` (1 − a·b / (‖a‖ ‖b‖)).

    Raises UsageError for other values.
    """

    k: int = 1
    metric: str = "euclidean"

    def __post_init__(self) -> None:
        distances.check_metric(self.metric)
        if self.k < 1:
            raise UsageError(f"k-nearest neighbours needs k of at least 1, not {self.k}.")

    def scores(self, table: Tensor, tasks: Tasks) -> tuple[Tensor, dict[str, Any]]:
        """Returns the share of the votes: ``table [M, D]`` -> float64 ``[E, Q, N]``, −inf for padded classes.

        Images at the distance of the k-th share the places that are left. Ties are broken as follows. Let r be
        the rank of a class among the N by its nearest image (0 is nearest; equal distances have equal ranks),
        and S the number of support images. The class gains (N − r)/(N + 1) of 1/S of a vote, which is less than
        any difference between two counts of votes.

        Raises UsageError when an episode has fewer than k support images.
        """
        import torch

        self._check(tasks)
        large = gallery.is_large(table, tasks, gather.block_bytes(table.device))
        inner = inner_products(table, tasks, normalize=self.metric == "cosine", gram=not large)
        if large:
            return torch.stack([self._large(inner, tasks[e : e + 1]) for e in range(len(tasks))]), {}
        support, query = indices(tasks, table.device)
        ways, absent = tasks.ways, (support < 0).all(2)
        support = support.flatten(1)
        classes, images = ((~gap).sum(1)[:, None, None] for gap in (absent, support < 0))
        scores = torch.empty(*query.shape, ways, dtype=torch.float64, device=table.device)
        for e, q in inner.blocks(tasks, extra=40):
            distance = distances.to_support(inner, self.metric, support[e], query[e, q])
            last = distance.topk(self.k, largest=False).values[..., -1:]
            nearer, level = (
                near.view(*last.shape[:2], ways, -1).sum(-1).double()
                for near in (distance < last, distance == last)
            )
            left = (self.k - nearer.sum(-1, keepdim=True)) / level.sum(-1, keepdim=True)
            votes = nearer + left * level
            nearest = distance.view(*last.shape[:2], ways, -1).amin(-1)
            untied = self._untied(votes, nearest, classes[e], images[e])
            scores[e, q] = untied.masked_fill_(absent[e].unsqueeze(1), -float("inf"))
        return scores, {}

    def _large(self, inner: Inner, task: Tasks) -> Tensor:
        """Returns the scores ``[Q, N]`` of one episode, from its actual support images, a block of queries at a
        time.
        """
        import torch

        (rows,), (label,) = members(task.support)
        counts = (task.support[0] >= 0).sum(1)
        _, query = indices(task, inner.table.device)
        images, classes = (torch.tensor(array, device=inner.table.device) for array in (rows, label))
        absent = torch.tensor(counts == 0, device=inner.table.device)
        scores = []
        for part in torch.split(query[0], max(1, gallery.DISTANCE_BYTES // (32 * len(rows)))):
            distance = gallery.distances(inner, self.metric, images, part)
            votes = gallery.votes(distance, self.k, classes, task.ways)
            nearest = gallery.nearest(distance, counts.tolist())
            untied = self._untied(votes, nearest, (~absent).sum(), len(rows))
            scores.append(untied.masked_fill_(absent, -float("inf")))
        return torch.cat(scores)

    def _untied(self, votes: Tensor, nearest: Tensor, classes: Tensor, images: Tensor | int) -> Tensor:
        """Returns the shares of the votes ``[..., N]`` with ties broken by the least distance to each class.

        ``nearest [..., N]`` are these distances; ``classes`` and ``images`` are the numbers of classes and
        support images of the episode without padding.
        """
        import torch

        rank = torch.searchsorted(nearest.sort(-1).values, nearest)
        return (votes + (classes - rank) / ((classes + 1) * images)) / self.k

    def fitted(self, table: Tensor, support: NDArray[np.int64]) -> FittedNeighbours:
        """Returns one episode's support, rows ``[N, K]`` of ``table [M, D]`` (−1: padding), made ready to be asked.

        It gives any query the scores of ``scores``. Raises UsageError for fewer than k support images, and FsbenchError
        for a class without any.
        """
        self._check(Tasks(support[None], np.zeros((1, 0), dtype=np.int64)))
        return fitted_neighbours(table, support, k=self.k, cosine=self.metric == "cosine")

    def item_scores(self, table: Tensor, tasks: Tasks) -> Tensor:
        """Returns minus the distance to each support image, for ranking: float32 ``[E, Q, N·K]``."""
        return distances.item_scores(table, tasks, self.metric)

    def _check(self, tasks: Tasks) -> None:
        fewest = int((tasks.support >= 0).sum((1, 2)).min(initial=tasks.ways * tasks.shots))
        if self.k > fewest:
            raise UsageError(
                f"k = {self.k} nearest neighbours were asked of an episode with {fewest} support images; "
                "choose a smaller k, or more ways or shots."
            )
