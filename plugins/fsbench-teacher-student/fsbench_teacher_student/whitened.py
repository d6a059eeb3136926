"""``whitened-lr``: the closed form. What distortions do to the embeddings is measured, and divided out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

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
    pictures,
    setting,
    tunable,
    write_atomic,
)
from fsbench_teacher_student.tasks import as_tensor, generators


@dataclass(frozen=True, kw_only=True)
class Config:
    """Parameters of ``whitened-lr``."""

    backbone: str = setting("efficientnet_lite0", "name of a torchvision or timm network")
    pooling: Literal["average", "lca", "lca-window"] = setting("lca", "over the feature map")
    views: int = setting(2, "distorted views of each picture")
    most: int = setting(4000, "unlabelled pictures that are used, at the most")
    shrink: float = tunable(
        0.1, 1e-3, 1.0, log=True, help="share of the mean variance added to all directions"
    )
    C: float = tunable(10.0, 1e-2, 1e3, log=True, help="inverse strength of the L2 penalty of the regression")


def whitening(views: NDArray[np.float32], shrink: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean ``[D]`` and matrix ``[D, D]`` of embeddings of views ``[M, V, D]``.

    S = mean over pictures of the covariance of their views; W = (S + λI)^(−1/2), λ = shrink · tr(S)/D.
    """
    within = (views - views.mean(axis=1, keepdims=True)).reshape(-1, views.shape[2]).astype(np.float64)
    covariance = within.T @ within / (len(views) * (views.shape[1] - 1))
    values, vectors = np.linalg.eigh(covariance)
    root = 1 / np.sqrt(values.clip(min=0) + shrink * values.mean())
    return views.mean(axis=(0, 1)), ((vectors * root) @ vectors.T).astype(np.float32)


class WhitenedLr(EmbeddingMethod):
    """Regression on embeddings whitened by the covariance of distorted views; no gradient is taken."""

    api_version = 1
    name = "whitened-lr"
    summary = "pretrained embeddings whitened by what distortions do to them; logistic regression"
    reference = (
        "Hariharan, Malik, Ramanan: Discriminative decorrelation for clustering and classification, 2012"
    )
    calibrated = True
    trains = True
    Config = Config

    def fit(self, base: BaseData, context: Context) -> dict[str, Any]:
        """Encode distorted views of unlabelled pictures (kept on disk) and invert their covariance."""
        c = self.config
        inner = context.encoder(c.backbone, pooling=c.pooling)
        part = ("whitening", inner.fingerprint(), c.views, c.most, base.unlabelled.fingerprint)
        folder = context.folder(*part)
        stored = folder / "views.npy"
        if not stored.is_file():
            views = distorted_views(base.unlabelled, inner, c.views, c.most, context)
            write_atomic(stored, lambda stream: np.save(stream, views))
        mean, matrix = whitening(np.load(stored, allow_pickle=False), c.shrink)
        seen = ", ".join([inner.pretraining, *base.seen(labels=False, unlabelled=True)])
        self.encoder = LinearEncoder(inner, matrix, -matrix @ mean, seen)
        return {"views": folder.name}

    def setup(self, context: Context) -> None:
        """The regression; the encoder is there since ``fit``."""
        self.head = LogisticRegression(C=self.config.C, normalize=True)


def distorted_views(
    index: ImageIndex, encoder: PretrainedEncoder, views: int, most: int, context: Context
) -> NDArray[np.float32]:
    """Embeddings ``[M, V, D]`` of V distorted views of at most ``most`` pictures."""
    rng = context.generator("whitening")
    rows = np.sort(rng.permutation(len(index))[:most])
    fast = replace(encoder, precision="bf16")
    found = []
    for number, start in enumerate(range(0, len(rows), 32)):
        _, random = generators(context.seed, 0, number)
        images = as_tensor(pictures(index, rows[start : start + 32], encoder)).repeat_interleave(views, dim=0)
        seen = Distortion()(images, images.shape[-1], random)
        found.append(fast.encode((seen * 255).round().byte().numpy()))
        context.progress("distorted views", min(start + 32, len(rows)), len(rows))
    table = np.concatenate(found)
    return table.reshape(len(rows), views, table.shape[1])
