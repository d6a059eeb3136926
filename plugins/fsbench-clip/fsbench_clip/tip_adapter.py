"""Tip-Adapter (Zhang et al., ECCV 2022): zero-shot logits and a cache of the support, free of training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fewshot_bench.api import Context, Tasks, tunable
from fsbench_clip.method import SCALE, ClipConfig, ClipMethod, Texts, with_texts

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class TextAndCache:
    """Scores 100·q·t_nᵀ + α Σ_i exp(−β (1 − q·x_i)) y_in, with x_i the support and y_i one-hot."""

    clip: Texts
    templates: Sequence[str]
    alpha: float = 1.0
    beta: float = 5.5

    def scores(self, table: Tensor, tasks: Tasks) -> tuple[Tensor, dict[str, Any]]:
        """Returns logits and an empty dictionary: ``table [M, D]`` -> float32 ``[E, Q, N]``."""
        import torch

        scores = torch.empty(*tasks.query.shape, tasks.ways, device=table.device)
        for block, texts in with_texts(table, tasks, self.clip, self.templates):
            affinity = torch.exp(-self.beta * (1 - block.query @ block.support.mT))
            logits = SCALE * block.query @ texts.mT + self.alpha * affinity @ block.one_hot
            scores[block.episodes] = logits.masked_fill(~block.class_mask.unsqueeze(1), -float("inf"))
        return scores, {}


@dataclass(frozen=True, kw_only=True)
class TipAdapterConfig(ClipConfig):
    """Parameters of ``tip-adapter``; the values are the authors' for ImageNet."""

    alpha: float = tunable(1.0, 1e-2, 1e2, log=True, help="weight of the cache beside the text")
    beta: float = tunable(5.5, 0.1, 50.0, log=True, help="sharpness of the cache")


class TipAdapter(ClipMethod[TipAdapterConfig]):
    """Adds a cache of the support to CLIP's zero-shot logits."""

    name = "tip-adapter"
    summary = "CLIP, zero-shot logits and a cache of the support, free of training"
    reference = (
        "Zhang et al.: Tip-Adapter, Training-free Adaption of CLIP for Few-shot Classification, ECCV 2022"
    )

    def setup(self, context: Context) -> None:
        """Sets text and cache as the head."""
        super().setup(context)
        self.head = TextAndCache(self.clip, self.templates, self.config.alpha, self.config.beta)
