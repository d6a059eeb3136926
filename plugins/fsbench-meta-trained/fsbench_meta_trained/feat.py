"""FEAT (Ye et al. 2020): class means that attend to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from fewshot_bench.api import EpisodeBatch, Loss, episode_loss, setting, squared_distances, tunable
from fsbench_meta_trained.embedded import Embedded
from fsbench_meta_trained.episodic import EpisodeTrained, EpisodicConfig

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


@dataclass(frozen=True, kw_only=True)
class FeatConfig(EpisodicConfig):
    """Parameters of ``feat``."""

    pretrain_epochs: int = setting(20, "epochs of classification before the episodes; 0: none", at_least=0)
    pooling: Literal["average", "flatten", "lca", "lca-window"] = setting("average", "of the feature map")
    temperature: float = tunable(8.0, 1.0, 64.0, log=True, help="divisor τ of the distances", at_least=1e-6)
    balance: float = tunable(
        0.1, 0.0, 1.0, help="weight of the loss on adapted embeddings of all pictures", at_least=0
    )


class Feat(EpisodeTrained[FeatConfig]):
    """p(y = n | q) ∝ exp(−‖f(q) − ψ(c)_n‖² / τ), ψ self-attention over the class means.

    ψ(c) = LayerNorm(c + W·attention(c)), one head. The further loss is that of all pictures of an episode to the
    centres of their adapted classes. Dropout is left out.
    """

    name = "feat"
    summary = "class means adapted to each other by self-attention; nearest mean"
    reference = (
        "Ye, Hu, Zhan, Sha: Few-Shot Learning via Embedding Adaptation with Set-to-Set Functions, CVPR 2020"
    )

    def learnt_head(self, width: int) -> Module:
        """Returns the attention ψ and its layer norm."""
        from torch import nn

        attention = nn.MultiheadAttention(width, 1, batch_first=True)
        return nn.ModuleDict({"attention": attention, "norm": nn.LayerNorm(width)})

    def logits(self, episodes: Embedded, learnt: Any) -> Tensor:
        """Returns −‖f(q) − ψ(c)_n‖² / τ."""
        means = adapted(episodes.means(), episodes.classes(), learnt)
        return -squared_distances(episodes.query, means) / self.config.temperature

    def loss(self, network: Module, batch: EpisodeBatch) -> Loss:
        """Returns the loss of the episode, and that of its pictures to the centres of adapted classes."""
        import torch

        episodes, learnt = self.embedded(network, batch)
        loss, numbers = episode_loss(self.logits(episodes, learnt))
        if not self.config.balance:
            return loss, numbers
        every = torch.cat([episodes.support, split(episodes.query, batch.query.shape[1])], 2)
        own = every.flatten(0, 1)  # the pictures of one class attend to each other
        full = torch.ones(own.shape[:2], dtype=torch.bool, device=own.device)
        centres = adapted(own, full, learnt).mean(1).reshape(*every.shape[:2], -1)
        near = -squared_distances(every.flatten(1, 2), centres) / self.config.temperature
        return loss + self.config.balance * episode_loss(near)[0], numbers


def split(queries: Tensor, ways: int) -> Tensor:
    """Returns training queries ``[T, N·Q, D]``, class after class, as ``[T, N, Q, D]``."""
    return queries.reshape(len(queries), ways, -1, queries.shape[2])


def adapted(vectors: Tensor, present: Tensor, learnt: Any) -> Tensor:
    """Returns LayerNorm(x + attention(x)) of sets of vectors ``[B, L, D]``; ``present [B, L]`` tells padding."""
    change, _ = learnt["attention"](vectors, vectors, vectors, key_padding_mask=~present, need_weights=False)
    found: Tensor = learnt["norm"](vectors + change)
    return found
