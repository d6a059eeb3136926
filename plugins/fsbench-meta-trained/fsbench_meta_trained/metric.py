"""Deep metric learning: an embedding trained by a loss of pytorch-metric-learning, and its nearest neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from fewshot_bench.api import (
    BaseData,
    ClassBatches,
    Context,
    KNearest,
    Loss,
    PictureBatch,
    Projection,
    setting,
    tunable,
)
from fsbench_meta_trained.baseline import Classified, ClassifierConfig

if TYPE_CHECKING:
    from torch.nn import Module

LOSSES = {
    "arcface": "ArcFaceLoss",
    "cosface": "CosFaceLoss",
    "proxy-anchor": "ProxyAnchorLoss",
    "softmax": "NormalizedSoftmaxLoss",
    "supcon": "SupConLoss",
    "multi-similarity": "MultiSimilarityLoss",
    "circle": "CircleLoss",
    "triplet": "TripletMarginLoss",
}
"""Names of losses -> classes of ``pytorch_metric_learning.losses``; the first four learn a vector a base class."""

PROXIES = ("arcface", "cosface", "proxy-anchor", "softmax")
"""Losses that compare embeddings with learnt vectors of the base classes."""

LossName = Literal[
    "arcface", "cosface", "proxy-anchor", "softmax", "supcon", "multi-similarity", "circle", "triplet"
]


@dataclass(frozen=True, kw_only=True)
class DeepMetricConfig(ClassifierConfig):
    """Parameters of ``metric``; ``batch`` pictures are those of ``batch`` / ``pictures`` classes."""

    loss: LossName = setting("proxy-anchor", "loss of pytorch-metric-learning, with its own parameters")
    pictures: int = tunable(4, 2, 8, help="pictures of each class in a mini-batch", at_least=2)
    embedding: int = tunable(128, 32, 512, help="values of an embedding; 0: the pooled features", at_least=0)


class DeepMetric(Classified[DeepMetricConfig]):
    """Trains embeddings of unit length so that pictures of a base class are near, and scores by the nearest picture."""

    name = "metric"
    summary = "embedding trained by a metric-learning loss; nearest neighbour by cosine"
    reference = "Musgrave, Belongie, Lim: PyTorch Metric Learning, 2020, and the papers of its losses"

    def data(self, base: BaseData) -> ClassBatches:  # type: ignore[override]
        c = self.config
        classes = max(2, c.batch // c.pictures)
        return ClassBatches(base.train, classes, c.pictures, augment="flip" if c.augment else "none")

    def projection(self) -> Projection:
        return Projection((self.config.embedding,) if self.config.embedding else (), "unit")

    def learnt_head(self, width: int) -> Module | None:
        """Returns the loss, with the vectors of the base classes where it learns some."""
        from pytorch_metric_learning import losses

        if not self.classes:
            return None
        kind: Any = getattr(losses, LOSSES[self.config.loss])
        proxies = {"num_classes": self.classes, "embedding_size": width}
        made: Module = kind(**proxies) if self.config.loss in PROXIES else kind()
        return made

    def loss(self, network: Module, batch: PictureBatch) -> Loss:
        """Returns the loss of labelled pictures."""
        import torch

        vectors = network(batch.images)
        loss = network.get_submodule("head")(vectors, torch.from_numpy(batch.labels).to(vectors.device))
        return loss, {}

    def make_head(self, context: Context) -> KNearest:
        return KNearest(1, "cosine")
