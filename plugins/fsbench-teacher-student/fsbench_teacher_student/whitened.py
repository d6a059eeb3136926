"""``whitened-lr``, ``whitened-proto``: the closed form. What distortions do to embeddings is divided out."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.api import (
    BaseData,
    Context,
    Distortion,
    EmbeddingMethod,
    ImageIndex,
    LinearEncoder,
    LogisticRegression,
    PretrainedEncoder,
    Prototype,
    arrays_once,
    as_tensor,
    generators,
    read_pictures,
    setting,
    tunable,
)

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Config:
    """Parameters of both methods."""

    backbone: str = setting("efficientnet_lite0", "name of a torchvision or timm network")
    pooling: Literal["average", "lca", "lca-window"] = setting("lca", "over the feature map")
    views: int = setting(4, "distorted views of each picture", at_least=2)
    view: Literal["pad", "crop", "stretch"] = setting("pad", "how a picture that is not square enters")
    max_images: int = setting(0, "unlabelled pictures that are used, drawn at random; 0: all", at_least=0)
    shrink: float = tunable(
        1.0,
        1e-2,
        10.0,
        log=True,
        help="of the mean variance, so much is added to all directions",
        used_by="head",
    )


@dataclass(frozen=True, kw_only=True)
class LrConfig(Config):
    """Parameters of ``whitened-lr``."""

    C: float = tunable(
        10.0, 1e-2, 1e3, log=True, help="inverse strength of the L2 penalty of the regression", used_by="head"
    )


def moments(batches: Iterable[NDArray[np.float32]]) -> tuple[Array, Array]:
    """Returns mean ``[D]`` of all embeddings, and the covariance within pictures ``[D, D]``.

    ``batches`` are embeddings of views ``[B, V, D]``, V ≥ 2: S = mean over pictures of the covariance of their
    views, unbiased.
    """
    count, total, squares = 0, np.zeros(0), np.zeros(0)
    for views in batches:
        exact = views.astype(np.float64)
        within = (exact - exact.mean(axis=1, keepdims=True)).reshape(-1, views.shape[2])
        total = exact.mean(axis=1).sum(axis=0) + (total if count else 0)
        squares = within.T @ within / (views.shape[1] - 1) + (squares if count else 0)
        count += len(views)
    return total / count, squares / count


def whitening(covariance: Array, shrink: float) -> NDArray[np.float32]:
    """Returns the matrix W = (S + λI)^(−1/2) ``[D, D]`` of a covariance S, λ = shrink · tr(S)/D."""
    values, vectors = np.linalg.eigh(covariance)
    root = 1 / np.sqrt(values.clip(min=0) + shrink * values.mean())
    return np.asarray((vectors * root) @ vectors.T, dtype=np.float32)


Given = TypeVar("Given", bound=Config)


class Whitened(EmbeddingMethod[Given], Generic[Given]):
    """Embeddings whitened by the covariance of distorted views; no gradient is taken."""

    api_version = 1
    trains = True

    def fit(self, base: BaseData, context: Context) -> dict[str, Any]:
        """Encodes distorted views of unlabelled pictures, whose moments are kept, and inverts the covariance."""
        c = self.config
        inner = context.encoder(c.backbone, pooling=c.pooling, view=c.view)
        arrays, facts = arrays_once(
            "whitening",
            self,
            context,
            lambda: measured(distorted_views(base.unlabelled, inner, c.views, c.max_images, context)),
            parameters={"views": c.views, "max_images": c.max_images},
            precision="bf16",
            start=inner.fingerprint(),
            base=base.unlabelled.fingerprint,
        )
        matrix = whitening(arrays["covariance"], c.shrink)
        offset = (-matrix @ arrays["mean"]).astype(np.float32)
        seen = ", ".join([inner.pretraining, *base.seen(labels=False, unlabelled=True)])
        self.encoder = LinearEncoder(inner, matrix, offset, seen)
        return facts


class WhitenedLr(Whitened[LrConfig]):
    """Regression on whitened embeddings."""

    name = "whitened-lr"
    summary = "pretrained embeddings whitened by what distortions do to them; logistic regression"
    reference = (
        "Hariharan, Malik, Ramanan: Discriminative decorrelation for clustering and classification, 2012"
    )
    calibrated = True

    def setup(self, context: Context) -> None:
        """Returns the regression; the encoder is there since ``fit``."""
        self.head = LogisticRegression(C=self.config.C, normalize=True)


class WhitenedProto(Whitened[Config]):
    """Nearest class mean by cosine on whitened embeddings."""

    name = "whitened-proto"
    summary = "pretrained embeddings whitened by what distortions do to them; nearest class mean"
    reference = WhitenedLr.reference

    def setup(self, context: Context) -> None:
        """Prototypes; the encoder is there since ``fit``."""
        self.head = Prototype("cosine")


def measured(batches: Iterable[NDArray[np.float32]]) -> tuple[dict[str, Array], dict[str, float]]:
    """Returns the moments of views, and how long they took, for the log."""
    began, counted = time.perf_counter(), [0]

    def counting() -> Iterator[NDArray[np.float32]]:
        for views in batches:
            counted[0] += views.shape[0] * views.shape[1]
            yield views

    mean, covariance = moments(counting())
    took = time.perf_counter() - began
    return {"mean": mean, "covariance": covariance}, {"images/s": counted[0] / took, "seconds": took}


def distorted_views(
    index: ImageIndex, encoder: PretrainedEncoder, views: int, max_images: int, context: Context
) -> Iterator[NDArray[np.float32]]:
    """Embeddings ``[B, V, D]`` of V distorted views of pictures, batch by batch; ``max_images`` 0: of all."""
    rng = context.generator("whitening")
    rows = np.sort(rng.permutation(len(index))[: max_images or None])
    fast = replace(encoder, precision="bf16")
    for number, start in enumerate(range(0, len(rows), 32)):
        _, random = generators(context.seed, 0, number)
        images = as_tensor(read_pictures(index, rows[start : start + 32], encoder.prepare)).repeat_interleave(
            views, dim=0
        )
        seen = Distortion()(images, images.shape[-1], random)
        vectors = fast.encode((seen * 255).round().byte().numpy())
        yield vectors.reshape(-1, views, vectors.shape[1])
        context.progress("distorted views", min(start + 32, len(rows)), len(rows))
