"""Baseline++ (Chen et al. 2019): classification by cosines, of the base classes and of each support."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fewshot_bench.api import Context, Tasks, cosines, setting, tunable
from fsbench_meta_trained.baseline import Classified, ClassifierConfig

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


@dataclass(frozen=True)
class CosineClassifier:
    """Minimises the cross-entropy of softmax(s cos(f, w_n)) on the support, over weights w_n that begin as class means.

    Each class weighs alike. The steps are plain gradient steps on weights of unit length; the gradient is written out.
    """

    scale: float = 10.0
    steps: int = 100
    rate: float = 0.1

    def scores(self, table: Tensor, tasks: Tasks) -> tuple[Tensor, dict[str, Any]]:
        """Returns s cos(f, w_n) and an empty dictionary: ``table [M, D]`` -> float32 ``[E, Q, N]``."""
        import torch
        from torch.nn.functional import normalize

        found = torch.empty(*tasks.query.shape, tasks.ways, device=table.device)
        for block in tasks.blocks(normalize(table.float(), dim=1), 1 << 24):
            label, absent = block.one_hot, ~block.class_mask.unsqueeze(1)
            share = label / label.sum(1, keepdim=True).clamp_min(1)
            share = share / block.class_mask.sum(1)[:, None, None]
            weight = normalize(share.mT @ block.support, dim=2)
            for _ in range(self.steps):
                logits = self.scale * (block.support @ weight.mT)
                p = logits.masked_fill(absent, -float("inf")).softmax(2)
                slope = self.scale * (share.sum(2, keepdim=True) * (p - label))
                gradient = slope.mT @ block.support
                tangent = gradient - weight * (weight * gradient).sum(2, keepdim=True)
                weight = normalize(weight - self.rate * tangent, dim=2)
            logits = self.scale * (block.query @ weight.mT)
            found[block.episodes] = logits.masked_fill(absent, -float("inf"))
        return found, {}


@dataclass(frozen=True, kw_only=True)
class BaselinePlusConfig(ClassifierConfig):
    """Parameters of ``baseline++``."""

    scale: float = tunable(10.0, 1.0, 30.0, log=True, help="factor s of the cosines", at_least=1e-6)
    head_steps: int = setting(100, "gradient steps on the support", at_least=0, used_by="head")
    head_rate: float = tunable(
        0.1, 0.01, 1.0, log=True, help="their learning rate", at_least=0, used_by="head"
    )


class BaselinePlusPlus(Classified[BaselinePlusConfig]):
    """p(y = n | x) = softmax_n(s cos(f(x), w_n)): over base classes in training, over the support's in evaluation."""

    name = "baseline++"
    summary = "cosine classifier of the base classes, frozen; cosine classifier of the support"
    reference = "Chen, Liu, Kira, Wang, Huang: A Closer Look at Few-shot Classification, ICLR 2019"

    def learnt_head(self, width: int) -> Module | None:
        """Returns the classifier of the base classes, a vector each."""
        import torch
        from torch import nn

        scale = self.config.scale

        class Cosines(nn.Module):
            """Embeddings ``[B, D]`` -> s cos(f, w_n) ``[B, N]``."""

            def __init__(self, classes: int) -> None:
                super().__init__()
                self.weight = nn.Parameter(torch.randn(classes, width))

            def forward(self, embeddings: Tensor) -> Tensor:
                return scale * cosines(embeddings, self.weight)

        return Cosines(self.classes) if self.classes else None

    def make_head(self, context: Context) -> CosineClassifier:
        c = self.config
        return CosineClassifier(c.scale, c.head_steps, c.head_rate)
