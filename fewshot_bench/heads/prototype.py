"""Nearest class mean (Snell, Swersky, Zemel: Prototypical networks for few-shot learning, 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.heads import distances
from fewshot_bench.heads.fitted import FittedMeans, fitted_means
from fewshot_bench.heads.gather import indices, inner_products

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Prototype:
    """Scores a query by its nearness to the mean of each class's support embeddings, the prototype.

    ``euclidean``: −‖f(q) − c_k‖² with c_k = (1/K) Σ f(x) (Snell et al. 2017, eq. 1–2). ``cosine``: the cosine
    between f(q) and the mean of the support's L2-normalised embeddings.

    Raises UsageError for another metric.
    """

    items_at_one_shot: ClassVar[bool] = True

    metric: str = "euclidean"

    def __post_init__(self) -> None:
        distances.check_metric(self.metric)

    def scores(self, table: Tensor, tasks: Tasks) -> tuple[Tensor, dict[str, Any]]:
        """Returns scores and an empty dictionary: ``table [M, D]`` -> float32 ``[E, Q, N]``, −inf for padded
        classes.
        """
        import torch

        cosine = self.metric == "cosine"
        inner = inner_products(table, tasks, normalize=cosine)
        support, query = indices(tasks, table.device)
        scores = torch.empty(*query.shape, tasks.ways, device=table.device)
        for e, q in inner.blocks(tasks):
            cross, norm = inner.with_means(support[e], query[e, q])
            if cosine:
                near = cross / norm.sqrt().clamp_min(1e-300).unsqueeze(2)
            else:
                near = -distances.squared(cross, norm, inner.norms[query[e, q].clamp_min(0)])
            absent = (support[e] < 0).all(2).unsqueeze(2)
            scores[e, q] = near.masked_fill_(absent, -float("inf")).mT.float()
        return scores, {}

    def fitted(self, table: Tensor, support: NDArray[np.int64]) -> FittedMeans:
        """Returns the class means of one episode's support, rows ``[N, K]`` of ``table [M, D]`` (−1: padding).

        It gives any query the scores of ``scores``. Raises FsbenchError for a class without support.
        """
        return fitted_means(table, support, cosine=self.metric == "cosine")

    def item_scores(self, table: Tensor, tasks: Tasks) -> Tensor:
        """Returns minus the distance to each support image, for ranking: float32 ``[E, Q, N·K]``."""
        return distances.item_scores(table, tasks, self.metric)
