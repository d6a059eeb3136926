"""SimpleShot (Wang et al. 2019): nearest centroid of centred embeddings of unit length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fewshot_bench.api import (
    BaseData,
    Context,
    LinearEncoder,
    Tasks,
    arrays_once,
    indices,
    inner_products,
    setting,
)
from fsbench_heads.joint import FrozenConfig, FrozenMethod

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class NearestCentroid:
    """Scores a query by −‖z − c_n‖², c_n the mean of class n's embeddings of unit length (Wang et al. 2019, 3)."""

    def scores(self, table: Tensor, tasks: Tasks) -> tuple[Tensor, dict[str, Any]]:
        """Returns scores and an empty dictionary: ``table [M, D]`` -> float32 ``[E, Q, N]``."""
        import torch

        inner = inner_products(table, tasks, normalize=True, single=True)
        support, query = indices(tasks, table.device)
        scores = torch.empty(*query.shape, tasks.ways, device=table.device)
        for e, q in inner.blocks(tasks):
            cross, norm = inner.with_means(support[e], query[e, q])
            near = 2 * cross - norm.unsqueeze(2) - inner.norms[query[e, q].clamp_min(0)].unsqueeze(1)
            absent = (support[e] < 0).all(2).unsqueeze(2)
            scores[e, q] = near.masked_fill_(absent, -float("inf")).mT.float()
        return scores, {}


@dataclass(frozen=True, kw_only=True)
class SimpleShotConfig(FrozenConfig):
    """Parameters of ``simpleshot``."""

    centre: Literal["base", "none"] = setting(
        "base", "subtract the mean of base data (CL2N), or nothing (L2N)"
    )


class SimpleShot(FrozenMethod[SimpleShotConfig]):
    """CL2N: z ← (z − mean of base data), z ← z/‖z‖, then the nearest class mean."""

    name = "simpleshot"
    summary = "frozen ImageNet embeddings less the base mean, unit length, nearest class mean"
    reference = "Wang, Chao, Weinberger, van der Maaten: SimpleShot, 2019"

    def __init__(self, config: SimpleShotConfig | None = None) -> None:
        super().__init__(config)
        self.trains = self.config.centre == "base"

    def fit(self, base: BaseData, context: Context) -> dict[str, Any]:
        """Computes the mean of the base classes' embeddings, which is kept."""
        super().setup(context)
        inner = self.encoder
        arrays, facts = arrays_once(
            "base-mean",
            self,
            context,
            lambda: (
                {"mean": context.embed(inner, base.train).mean(axis=0, dtype=np.float64)},
                {"images": len(base.train)},
            ),
            parameters={},
            start=inner.fingerprint(),
            base=base.train.fingerprint,
        )
        offset = -arrays["mean"].astype(np.float32)
        matrix = np.eye(len(offset), dtype=np.float32)
        seen = ", ".join([inner.pretraining, *base.seen(labels=False, unlabelled=False)])
        self.encoder = LinearEncoder(inner, matrix, offset, seen)  # type: ignore[arg-type]
        return facts

    def setup(self, context: Context) -> None:
        """Sets the head, and the encoder where ``fit`` set none."""
        if not self.trains:
            super().setup(context)
        self.head = NearestCentroid()
