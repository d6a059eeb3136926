"""Matching networks (Vinyals et al. 2016): a query takes the classes of the support pictures that it attends to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fewshot_bench.api import cosines, setting, tunable
from fsbench_meta_trained.embedded import Embedded
from fsbench_meta_trained.episodic import EpisodeTrained, EpisodicConfig

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


@dataclass(frozen=True, kw_only=True)
class MatchingConfig(EpisodicConfig):
    """Parameters of ``matchingnet``."""

    scale: float = tunable(
        10.0, 1.0, 100.0, log=True, help="factor of the cosines; the paper's is 1", at_least=1e-6
    )
    context: int = setting(
        0, "steps of an LSTM by which a query reads the support; 0: embeddings as they are", at_least=0
    )


class MatchingNet(EpisodeTrained[MatchingConfig]):
    """p(y | q) = Σ_i a(q, x_i) y_i, a the softmax over the support of the cosine of embeddings.

    With ``context`` steps, f(q) is read from the support by an LSTM with attention. Its
    state is f'(q) + h + r, where r is the support's mean under the attention. The order of the support then means
    nothing: the paper's bidirectional LSTM over the support, for which it does, is left out.
    """

    name = "matchingnet"
    summary = "trained on episodes, attention over the support by cosine"
    reference = "Vinyals, Blundell, Lillicrap, Kavukcuoglu, Wierstra: Matching Networks, NeurIPS 2016"

    def learnt_head(self, width: int) -> Module:
        """Returns the LSTM that reads the support; without ``context`` nothing is learnt."""
        from torch import nn

        return nn.LSTMCell(width, width) if self.config.context else nn.Identity()

    def logits(self, episodes: Embedded, learnt: Any) -> Tensor:
        """Returns the logarithm of Σ_i a(q, x_i) y_i."""
        support, present = episodes.support.flatten(1, 2), episodes.present.flatten(1, 2)
        query = episodes.query
        if self.config.context:
            query = read(query, support, present, learnt, self.config.context)
        near = self.config.scale * cosines(query, support)
        near = near.masked_fill(present.unsqueeze(1) == 0, -float("inf")).log_softmax(2)
        found: Tensor = near.reshape(*near.shape[:2], *episodes.present.shape[1:]).logsumexp(3)
        return found


def read(query: Tensor, support: Tensor, present: Tensor, cell: Any, steps: int) -> Tensor:
    """Returns the queries ``[T, Q, D]`` after ``steps`` of reading the support ``[T, S, D]``.

    ``present [T, S]`` is 0 for padding.
    """
    import torch

    flat = query.flatten(0, 1)
    hidden, state = torch.zeros_like(flat), torch.zeros_like(flat)
    reading = torch.zeros_like(flat)
    for _ in range(steps):
        hidden, state = cell(flat, (hidden + reading, state))
        hidden = hidden + flat
        towards = hidden.view_as(query) @ support.mT
        attention = towards.masked_fill(present.unsqueeze(1) == 0, -float("inf")).softmax(2)
        reading = (attention @ support).flatten(0, 1)
    return hidden.view_as(query)
