"""Zero-shot CLIP (Radford et al. 2021): the class whose name is nearest to the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fewshot_bench.api import Context, Tasks, tunable
from fsbench_clip.method import SCALE, ClipConfig, ClipMethod, Texts, with_texts

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class ZeroShot:
    """p(n | q) = softmax_n(q·t_n / τ), q and t_n of unit length; the support is not looked at."""

    clip: Texts
    templates: Sequence[str]
    temperature: float = 1 / SCALE

    def scores(self, table: Tensor, tasks: Tasks) -> tuple[Tensor, dict[str, Any]]:
        """Returns probabilities and an empty dictionary: ``table [M, D]`` -> float32 ``[E, Q, N]``."""
        import torch

        scores = torch.empty(*tasks.query.shape, tasks.ways, device=table.device)
        for block, texts in with_texts(table, tasks, self.clip, self.templates):
            logits = block.query @ texts.mT / self.temperature
            absent = ~block.class_mask.unsqueeze(1)
            odds = logits.masked_fill(absent, -float("inf")).softmax(2)
            scores[block.episodes] = odds.masked_fill(absent, -float("inf"))
        return scores, {}


@dataclass(frozen=True, kw_only=True)
class ZeroShotConfig(ClipConfig):
    """Parameters of ``clip-zero-shot``."""

    temperature: float = tunable(
        1 / SCALE, 1e-3, 1.0, log=True, help="of the softmax; no prediction depends on it"
    )


class ClipZeroShot(ClipMethod[ZeroShotConfig]):
    """Reads the names of classes and looks at no support."""

    name = "clip-zero-shot"
    summary = "CLIP, the class whose name in a sentence is nearest to the picture"
    reference = (
        "Radford et al.: Learning Transferable Visual Models From Natural Language Supervision, ICML 2021"
    )
    calibrated = True

    def setup(self, context: Context) -> None:
        """Sets the texts as the head."""
        super().setup(context)
        self.head = ZeroShot(self.clip, self.templates, self.config.temperature)
