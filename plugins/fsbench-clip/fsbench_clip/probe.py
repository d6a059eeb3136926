"""A linear probe that begins at the text weights and is drawn back to them (Silva-Rodríguez et al., CVPR 2024)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fewshot_bench.api import Context, Tasks, tunable
from fsbench_clip.method import ClipConfig, ClipMethod, Texts, with_texts

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class TextProbe:
    """Minimises J(W) = −Σ_i b_i log p(y_i | x_i) + λ/2 Σ_n ‖w_n − t_n‖², p = softmax(τ x W ᵀ), x of unit length.

    Classes count alike: b_i = 1 / (N K), K the support of the class of i. With W = T + Aᵀ X (the representer theorem),
    logits are τ (x T ᵀ + x Xᵀ A) and ∇J in A is τ b (p − y) + λ A. It takes Nesterov's steps for strongly convex J
    (Lectures on Convex Optimization, 2018, 2.2), of length 1/L with L = λ + τ² max_i b_i λ_max(X Xᵀ) / 2. Their
    number is fixed, so that no episode depends on its neighbours.
    """

    clip: Texts
    templates: Sequence[str]
    penalty: float = 1.0
    scale: float = 30.0
    steps: int = 300

    def scores(self, table: Tensor, tasks: Tasks) -> tuple[Tensor, dict[str, Any]]:
        """Returns probabilities ``[E, Q, N]`` of ``table [M, D]``, and ``gradient_norm`` [E], the largest |∇J| in A."""
        import torch

        scores = torch.empty(*tasks.query.shape, tasks.ways, device=table.device)
        norms = torch.empty(len(tasks), dtype=torch.float64, device=table.device)
        for block, texts in with_texts(table, tasks, self.clip, self.templates):
            x, t, y, q = (part.double() for part in (block.support, texts, block.one_hot, block.query))
            absent = ~block.class_mask.unsqueeze(1)
            counts = (y / (y.sum(1, keepdim=True).clamp_min(1) * block.class_mask.sum(1).view(-1, 1, 1))).sum(
                2, True
            )
            gram, prior = x @ x.mT, x @ t.mT
            top = torch.linalg.eigvalsh(gram)[:, -1].clamp_min(1e-12)
            smooth = self.penalty + self.scale**2 * counts.amax(1)[:, 0] * top / 2
            length = (1 / smooth).view(-1, 1, 1)
            root = (self.penalty / smooth).sqrt().view(-1, 1, 1)
            a = look = torch.zeros_like(y)

            def gradient(a: Tensor) -> Tensor:
                logits = self.scale * (prior + gram @ a)  # noqa: B023 (called within its block)
                p = logits.masked_fill(absent, -float("inf")).softmax(2)  # noqa: B023
                return self.scale * counts * (p - y) + self.penalty * a  # noqa: B023

            for _ in range(self.steps):
                after = look - length * gradient(look)
                look = after + (1 - root) / (1 + root) * (after - a)
                a = after
            norms[block.episodes] = gradient(a).abs().amax((1, 2))
            logits = self.scale * (q @ t.mT + q @ x.mT @ a)
            odds = logits.masked_fill(absent, -float("inf")).softmax(2)
            scores[block.episodes] = odds.masked_fill(absent, -float("inf")).float()
        return scores, {"gradient_norm": norms.cpu().numpy()}


@dataclass(frozen=True, kw_only=True)
class ClipProbeConfig(ClipConfig):
    """Parameters of ``clip-probe``."""

    penalty: float = tunable(1.0, 1e-2, 1e2, log=True, help="strength λ of the pull towards the text weights")
    scale: float = tunable(30.0, 1.0, 100.0, log=True, help="inverse temperature τ of the logits")
    steps: int = tunable(300, 50, 3000, log=True, help="steps of the solver")


class ClipProbe(ClipMethod[ClipProbeConfig]):
    """Fits class weights to the support, drawn towards the weights that the names give."""

    name = "clip-probe"
    summary = "CLIP, a linear probe that begins at the text weights and is drawn back to them"
    reference = "Silva-Rodríguez et al.: A Closer Look at the Few-Shot Adaptation of Large VLMs, CVPR 2024"
    calibrated = True

    def setup(self, context: Context) -> None:
        """Sets the probe as the head."""
        super().setup(context)
        c = self.config
        self.head = TextProbe(self.clip, self.templates, c.penalty, c.scale, c.steps)
