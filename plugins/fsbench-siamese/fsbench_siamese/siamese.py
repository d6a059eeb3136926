"""``siamese-contrastive`` and ``siamese-triplet``: embeddings trained on pairs and triplets of pictures."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

import numpy as np

from fewshot_bench.api import (
    Augment,
    BaseData,
    BothViews,
    Context,
    KNearest,
    Loss,
    PairBatches,
    Perceptron,
    Projection,
    Schedule,
    ScheduledConfig,
    TrainedMethod,
    TripletBatches,
    TrunkEncoder,
    TupleBatch,
    UsageError,
    Validation,
    contrastive,
    mined,
    setting,
    share,
    triplet,
    tunable,
)

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class TripletConfig(BothViews, ScheduledConfig):
    """Parameters of ``siamese-triplet``; the defaults are those of the preset ``standard``."""

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "quick": {"train_size": 128, "samples": 640, "epochs": 3},
        "standard": {},
        "paper": {"backbone": "resnet18", "train_size": 224, "samples": 10_000, "batch": 250, "epochs": 90, "lr": 5e-5},
    }  # fmt: skip
    preset: Literal["quick", "standard", "paper"] = setting(
        "standard", "quick: minutes on two cores; paper: the report's ResNet-18 on a GPU", used_by="presets"
    )
    backbone: str = setting("efficientnet_lite0", "conv4, resnet12, or a network of torchvision or timm")
    pooling: Literal["auto", "flatten", "average", "lca", "lca-window"] = setting(
        "average", "of the feature map"
    )
    train_size: int = setting(160, "side of a training picture", unit="pixels", at_least=1)
    embedding: int = tunable(256, 32, 512, help="values of an embedding; 0: the pooled features", at_least=0)
    hidden: int = setting(0, "units of a hidden layer before it, with a sigmoid; 0: none", at_least=0)
    output: Literal["sigmoid", "unit", "none"] = setting("sigmoid", "of the embedding; unit: of length 1")
    margin: float = tunable(2.0, 0.2, 8.0, log=True, help="m of the loss, a Euclidean distance", at_least=0)
    mining: float = share(0.5, 0.05, 1.0, "share of the largest losses of a batch that counts", log=True)
    samples: int = setting(1600, "pairs or triplets of an epoch", at_least=1)
    batch: int = setting(32, "pairs or triplets of a mini-batch", at_least=2)
    epochs: int = setting(6, "epochs, each followed by a validation", at_least=1)
    lr: float = setting(3e-4, "largest learning rate (AdamW, cosine decay)", at_least=0)
    weight_decay: float = setting(0.0, "decoupled, of AdamW", at_least=0)
    ema_decay: float = share(0.9, 0.0, 0.999, "of the moving average of the weights; 0: none")
    freeze: float = share(0.0, 0.0, 1.0, "share of the backbone's layers that keep their pretraining")
    augment: Augment = setting("flip", "of training pictures: mirrored and moved, or distorted")
    precision: Literal["bf16", "float32"] = setting("bf16", "of the backbone's arithmetic in training")
    head: Literal["knn", "mlp"] = setting("knn", "nearest neighbours, or a perceptron", used_by="head")
    k: int = tunable(1, 1, 5, help="support pictures that vote", used_by="head")
    metric: Literal["euclidean", "cosine"] = setting("euclidean", "distance between pictures", used_by="head")
    units: int = tunable(256, 32, 512, help="of the perceptron's hidden layer", used_by="head")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.hidden and not self.embedding:
            raise UsageError(f"hidden={self.hidden} is a layer before an embedding, and embedding is 0.")


@dataclass(frozen=True, kw_only=True)
class ContrastiveConfig(TripletConfig):
    """Parameters of ``siamese-contrastive``."""

    p_same: float = share(0.4, 0.1, 0.9, "probability that a pair shows one class")


Given = TypeVar("Given", bound=TripletConfig)


class Siamese(TrainedMethod[Given], Generic[Given]):
    """What both methods share; ``losses`` is the mathematics of each, and the largest losses of a batch count."""

    api_version = 1
    reference = (
        "Chesterkine, Han, Santos García, Yamakoshi, Zhang: Fashion products identification, Navee project"
    )

    @abstractmethod
    def losses(self, vectors: Tensor, same: Tensor) -> Tensor:
        """Returns L of each pair or triplet: ``vectors [P, V, D]``, ``same [P]`` (y) -> ``[P]``."""

    def loss(self, network: nn.Module, batch: TupleBatch) -> Loss:
        import torch

        vectors = network(batch.images)
        same = torch.from_numpy(batch.same).to(vectors.device)
        return mined(self.losses(vectors, same), self.config.mining)

    def schedule(self) -> Schedule:
        c = self.config
        return c.schedule(max(1, c.samples // c.batch), precision=c.precision, freeze=c.freeze)

    def validation(self, base: BaseData) -> Validation:
        shots = int(np.clip(np.median(np.bincount(base.validation.labels)) - 1, 1, 5))
        return Validation(20, shots, episodes=20, measure="map")

    def projection(self) -> Projection:
        widths = tuple(width for width in (self.config.hidden, self.config.embedding) if width)
        return Projection(widths, self.config.output)

    def train_size(self, encoder: TrunkEncoder) -> int:
        return self.config.train_size

    def make_head(self, context: Context) -> KNearest | Perceptron:
        c = self.config
        return KNearest(c.k, c.metric) if c.head == "knn" else Perceptron((c.units,), seed=context.seed)


class SiameseTriplet(Siamese[TripletConfig]):
    """L = [d(a, p) + m − d(a, n)]₊, a and p of one class, n of another, d Euclidean."""

    name = "siamese-triplet"
    summary = "embedding trained on triplets by the triplet loss, the hardest of a batch; k-NN or perceptron"

    def data(self, base: BaseData) -> TripletBatches:
        return TripletBatches(base.train, self.config.batch, augment=self.config.augment)

    def losses(self, vectors: Tensor, same: Tensor) -> Tensor:
        """Returns L of each triplet (a, p, n)."""
        anchor, positive, negative = vectors.unbind(dim=1)
        return triplet(anchor, positive, negative, self.config.margin)


class SiameseContrastive(Siamese[ContrastiveConfig]):
    """L = y·d(x, x') + (1 − y)·max(0, m − d(x, x')), y = 1 with probability p_same, d Euclidean."""

    name = "siamese-contrastive"
    summary = "embedding trained on pairs by the contrastive loss, the hardest of a batch; k-NN or perceptron"

    def data(self, base: BaseData) -> PairBatches:
        return PairBatches(base.train, self.config.batch, self.config.p_same, augment=self.config.augment)

    def losses(self, vectors: Tensor, same: Tensor) -> Tensor:
        """Returns L of each pair."""
        return contrastive(vectors[:, 0], vectors[:, 1], same, self.config.margin)
