"""Distances between embeddings, and support images ranked by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.errors import UsageError
from fewshot_bench.heads.gather import Inner, indices, inner_products

if TYPE_CHECKING:
    from torch import Tensor

METRICS = ("euclidean", "cosine")
"""``euclidean``: ‖a − b‖²; ``cosine``: 1 − a·b / (‖a‖ ‖b‖), 1 where a vector is zero."""

ROUNDING = 1e-12
"""Squared distances below this share of the squared norms are rounding error, and are zero."""


def check_metric(metric: str) -> None:
    """Raises UsageError unless ``metric`` is one of ``METRICS``."""
    if metric not in METRICS:
        raise UsageError(f"Unknown metric {metric!r}; choose one of {', '.join(METRICS)}.")


def squared(cross: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """Returns ‖a − b‖² = ‖a‖² + ‖b‖² − 2 a·b as ``[e, A, B]``.

    ``cross [e, A, B]`` holds a·b; ``left [e, A]`` and ``right [e, B]`` hold the squared norms.
    """
    import torch

    total = left.unsqueeze(2) + right.unsqueeze(1)
    distance = torch.sub(total, cross, alpha=2)
    return distance.masked_fill_(distance <= total.mul_(ROUNDING), 0)


def to_support(inner: Inner, metric: str, support: Tensor, query: Tensor) -> Tensor:
    """Returns the distances of queries to support images as float32 ``[e, Q, S]``.

    The arguments are row numbers ``support [e, S]`` and ``query [e, Q]``. Padded support images are infinitely
    far. The distances are computed in float64; rounding them to float32 makes those to identical images equal.
    """
    cross = inner.between(support, query)
    if metric == "cosine":
        distance = 1 - cross
    else:
        left, right = inner.norms[support.clamp_min(0)], inner.norms[query.clamp_min(0)]
        distance = squared(cross, left, right)
    distance = distance.mT.float()
    return distance.masked_fill((support < 0).unsqueeze(1), float("inf"))


def item_scores(table: Tensor, tasks: Tasks, metric: str) -> Tensor:
    """Returns minus the distance of each query to each support image, float32 ``[E, Q, N·K]``.

    The images stand class after class, and a padded one has −inf. ``metric`` is one of ``METRICS``.
    """
    import torch

    inner = inner_products(table, tasks, normalize=metric == "cosine")
    support, query = indices(tasks, table.device)
    support = support.flatten(1)
    scores = torch.empty(*query.shape, support.shape[1], device=table.device)
    for e, q in inner.blocks(tasks):
        scores[e, q] = -to_support(inner, metric, support[e], query[e, q])
    return scores
