"""Frozen pretrained embeddings under three heads: what transfer alone gives, before any training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from fewshot_bench.api import (
    FROZEN_VIEW,
    Context,
    EmbeddingMethod,
    KNearest,
    LogisticRegression,
    Prototype,
    View,
    setting,
    tunable,
)

Pooling = Literal["average", "lca", "lca-window"]
Metric = Literal["euclidean", "cosine"]


@dataclass(frozen=True, kw_only=True)
class Backbone:
    """What all three have: a pretrained network, and how its last feature map becomes a vector."""

    backbone: str = setting("efficientnet_lite0", "name of a torchvision or timm network")
    pooling: Pooling = setting("average", "over the feature map: the average, or local concepts (LCA)")
    weights: str | None = setting(None, "file of weights to load instead of the published ones")
    view: View = setting(
        FROZEN_VIEW, "how a picture that is not square enters; both: padded and cropped, summed"
    )


Given = TypeVar("Given", bound=Backbone)


class Pretrained(EmbeddingMethod[Given], Generic[Given]):
    """An encoder whose weights stay as they were published."""

    api_version = 1

    def setup(self, context: Context) -> None:
        """Returns the encoder by name; subclasses add the head."""
        c = self.config
        self.encoder = context.encoder(c.backbone, pooling=c.pooling, weights=c.weights, view=c.view)


@dataclass(frozen=True, kw_only=True)
class ProtoConfig(Backbone):
    """Parameters of ``pretrained-proto``."""

    metric: Metric = setting("cosine", "distance between a query and a prototype")


class PretrainedProto(Pretrained[ProtoConfig]):
    """p(y = k | q) ∝ exp(−d(f(q), c_k)), c_k the mean embedding of class k's support, f never trained."""

    name = "pretrained-proto"
    summary = "frozen ImageNet embeddings, nearest class mean"
    reference = "Snell, Swersky, Zemel: Prototypical Networks for Few-shot Learning, NeurIPS 2017 (the head)"

    def setup(self, context: Context) -> None:
        """Prototypes on the frozen embeddings."""
        super().setup(context)
        self.head = Prototype(metric=self.config.metric)


@dataclass(frozen=True, kw_only=True)
class KnnConfig(Backbone):
    """Parameters of ``pretrained-knn``."""

    k: int = tunable(1, 1, 5, help="support images that vote")
    metric: Metric = setting("cosine", "distance between a query and a support image")


class PretrainedKnn(Pretrained[KnnConfig]):
    """The class of the nearest support image."""

    name = "pretrained-knn"
    summary = "frozen ImageNet embeddings, k nearest support images"

    def setup(self, context: Context) -> None:
        """Sets k nearest neighbours on the frozen embeddings."""
        super().setup(context)
        self.head = KNearest(k=self.config.k, metric=self.config.metric)


@dataclass(frozen=True, kw_only=True)
class LrConfig(Backbone):
    """Parameters of ``pretrained-lr``."""

    C: float = tunable(10.0, 1e-2, 1e3, log=True, help="inverse strength of the L2 penalty")
    normalize: bool = setting(True, "scale embeddings to unit length first")


class PretrainedLr(Pretrained[LrConfig]):
    """Multinomial logistic regression on the support's embeddings, one problem an episode."""

    name = "pretrained-lr"
    summary = "frozen ImageNet embeddings, logistic regression on each episode's support"
    reference = "Chen et al.: A Closer Look at Few-shot Classification, ICLR 2019 (the baseline)"
    calibrated = True

    def setup(self, context: Context) -> None:
        """Sets logistic regression on the frozen embeddings."""
        super().setup(context)
        self.head = LogisticRegression(C=self.config.C, normalize=self.config.normalize)
