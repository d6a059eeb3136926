"""Nearest neighbours in one large gallery, in blocks of queries and of images.

The distances are those of ``distances.to_support`` and the votes those of ``knn.KNearest``. Only the actual
images are read, without padding to the largest class, and the constants below bound the memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.heads.distances import to_support
from fewshot_bench.heads.gather import Inner, gram_is_cheaper

if TYPE_CHECKING:
    from torch import Tensor

DISTANCE_BYTES = 1 << 28
"""Working memory of a block of queries against the whole gallery."""

FEATURE_BYTES = 1 << 26
"""Working memory of the float64 features of a block of the gallery."""

MIN_QUERIES = 32
"""Episodes are batched as long as the working memory holds this many queries of one episode at once."""


def is_large(table: Tensor, tasks: Tasks, memory: int) -> bool:
    """Returns whether one padded episode needs more than ``memory`` bytes, so that each is solved by itself.

    The bytes are counted as ``Inner.cost`` counts them, before there is a Gram matrix.
    """
    supports = tasks.ways * tasks.shots
    width = tasks.shots if gram_is_cheaper(tasks, len(table)) else table.shape[1]
    return 16 * supports * width + MIN_QUERIES * 64 * supports > memory


def distances(inner: Inner, metric: str, gallery: Tensor, query: Tensor) -> Tensor:
    """Returns the distances of queries ``[q]`` to the rows ``[S]`` of the gallery, float32 ``[q, S]``."""
    import torch

    step = max(1, FEATURE_BYTES // (8 * inner.table.shape[1]))
    distance = torch.empty(len(query), len(gallery), device=inner.table.device)
    for start in range(0, len(gallery), step):
        part = slice(start, start + step)
        distance[:, part] = to_support(inner, metric, gallery[None, part], query[None])[0]
    return distance


def votes(distance: Tensor, k: int, label: Tensor, ways: int) -> Tensor:
    """Returns the votes of the k nearest images for their classes, float64 ``[q, N]``.

    The arguments are the distances ``[q, S]`` and the classes ``label [S]``. Images at the distance of the k-th
    share the places that are left.
    """
    import torch

    last = distance.topk(k, largest=False).values[:, -1:]
    counted = torch.zeros(2, len(distance), ways, dtype=torch.float64, device=distance.device)
    query, image = (distance <= last).nonzero(as_tuple=True)
    level = (distance[query, image] == last[query, 0]).long()
    counted.index_put_((level, query, label[image]), counted.new_ones(()), accumulate=True)
    nearer, equal = counted[0], counted[1]
    left = (k - nearer.sum(1, keepdim=True)) / equal.sum(1, keepdim=True)
    return nearer + left * equal


def nearest(distance: Tensor, counts: list[int]) -> Tensor:
    """Returns the least distance to each class: ``[q, S]``, sorted by class, -> ``[q, N]``.

    ``counts`` are the numbers of images of the classes. A class without images is infinitely far.
    """
    import torch

    far = distance.new_full((len(distance),), float("inf"))
    return torch.stack(
        [part.amin(1) if part.shape[1] else far for part in torch.split(distance, counts, 1)], 1
    )
