"""Validation: fixed episodes of the validation classes, by which the best epoch of a training is chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.index import QUERY, ImageIndex
from fewshot_bench.episodes import EpisodeSpec, sample
from fewshot_bench.metrics import accuracy_per_episode, average_precision
from fewshot_bench.training.batches import eligible_classes
from fewshot_bench.training.pictures import PictureTable, Prepare

if TYPE_CHECKING:
    from torch.nn import Module

    from fewshot_bench.heads.head import Head

BATCH = 64
"""Validation pictures that are embedded at once."""


@dataclass(frozen=True)
class Validation:
    """How a training is selected: its score (0..1) on episodes of the validation classes, the same at every epoch.

    Parameters
    ----------
    ways : classes of an episode, or ``all``; fewer where the data set has fewer.
    shots : support pictures of a class.
    queries : query pictures of a class; fewer where the smallest class has fewer.
    episodes : the number of episodes.
    measure : ``accuracy`` of the method's head, or ``map``: mean average precision of the support pictures, ranked
        for each query by their Euclidean distance.
    seed : draws the episodes; None: the training seed.
    head : the head whose accuracy it is; None: the method's own.
    """

    ways: int | Literal["all"] = 5
    shots: int = 1
    queries: int = 15
    episodes: int = 200
    measure: Literal["accuracy", "map"] = "accuracy"
    seed: int | None = None
    head: Head | None = None

    def open(self, index: ImageIndex, prepare: Prepare, seed: int) -> ValidationEpisodes:
        """Draws the episodes of the classes of ``index`` and decodes their pictures."""
        return ValidationEpisodes(self, index, prepare, seed if self.seed is None else self.seed)


class ValidationEpisodes:
    """The episodes of a ``Validation``: ``table`` of pictures, ``tasks`` over it, and the ``labels`` of queries."""

    def __init__(self, asked: Validation, index: ImageIndex, prepare: Prepare, seed: int) -> None:
        counts = np.bincount(index.labels[index.pools & QUERY > 0], minlength=len(index.class_names))
        queries = int(np.clip(counts.min(initial=len(index)) - asked.shots, 1, asked.queries))
        ways = asked.ways
        if ways != "all":
            ways = max(2, min(ways, eligible_classes(index, asked.shots, queries)))
        spec = EpisodeSpec(ways, asked.shots, queries, asked.episodes, seed, drop_small=True)
        drawn = sample(index, spec)
        rows = drawn.images()
        self.asked, self.table = asked, PictureTable(index, prepare)[rows]
        self.tasks, self.labels = drawn.tasks(rows)

    def accuracy(self, scores: NDArray[np.floating[Any]]) -> float:
        """Returns the mean accuracy (0..1) of class scores ``[E, Q, N]`` of ``tasks``."""
        return float(accuracy_per_episode(scores, self.labels).mean())

    def score(self, network: Module, head: Head) -> float:
        """Returns the measure of a network pictures ``[B, 3, S, S]`` -> embeddings ``[B, D]``."""
        import torch

        parts = np.array_split(self.table, -(-len(self.table) // BATCH))
        with torch.no_grad():
            vectors = torch.cat([network(part) for part in parts]).float()
            if self.asked.measure == "map":
                return self.mean_average_precision(vectors)
            scores, _ = (self.asked.head or head).scores(vectors, self.tasks)
        return self.accuracy(scores.cpu().numpy())

    def mean_average_precision(self, vectors: Any) -> float:
        """Returns the mAP of support pictures ranked for each query by the distance of ``vectors [M, D]``."""
        from fewshot_bench.heads.knn import KNearest

        items = KNearest().item_scores(vectors, self.tasks).cpu().numpy()
        relevant = (
            np.arange(self.tasks.ways * self.tasks.shots) // self.tasks.shots == self.labels[:, :, None]
        )
        asked = self.labels >= 0
        return float(average_precision(items[asked], relevant[asked]).mean())
