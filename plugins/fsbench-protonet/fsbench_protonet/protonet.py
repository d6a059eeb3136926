"""``protonet``: a network trained so that queries are nearest to the mean of their class's support."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewshot_bench.api import (
    BaseData,
    Context,
    EmbeddingMethod,
    EpisodeBatch,
    PretrainedEncoder,
    Prototype,
    embedded,
    trained_encoder,
    training_facts,
)
from fsbench_protonet.config import Config
from fsbench_protonet.train import train_encoder, untrained

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

TEMPERATURE = 0.1
"""Of the softmax over cosines: they lie in −1..1, where a softmax of 20 classes is almost flat."""


def prototypes(support: Tensor) -> Tensor:
    """c_n = (1/K) Σ_k f(x_nk) (eq. 1): ``support [T, N, K, D]`` -> ``[T, N, D]``."""
    return support.mean(dim=2)


def logits(query: Tensor, centres: Tensor, metric: str) -> Tensor:
    """−‖f(x) − c_n‖² (eq. 2), or the cosine: ``query [T, Q, D]``, ``centres [T, N, D]`` -> ``[T, Q, N]``."""
    if metric == "cosine":
        from torch.nn.functional import normalize

        return normalize(query, dim=2) @ normalize(centres, dim=2).mT / TEMPERATURE
    return -(query[:, :, None] - centres[:, None]).square().sum(dim=3)


def loss(
    network: Module, encoder: PretrainedEncoder, batch: EpisodeBatch, metric: str
) -> tuple[Tensor, dict[str, float]]:
    """J = −log p(y = n | x), the mean over queries (eq. 2 and algorithm 1), and the accuracy."""
    import numpy as np
    import torch
    from torch.nn.functional import cross_entropy, normalize

    tasks, ways, shots = batch.support.shape[:3]
    vectors = embedded(network, encoder, np.concatenate([batch.support, batch.query], axis=2)).float()
    support, query = vectors[:, :, :shots], vectors[:, :, shots:]
    if metric == "cosine":
        support = normalize(support, dim=3)
    scores = logits(query.flatten(1, 2), prototypes(support), metric).flatten(0, 1)
    labels = torch.arange(ways, device=scores.device).repeat_interleave(query.shape[2]).repeat(tasks)
    correct = float((scores.detach().argmax(dim=1) == labels).float().mean())
    return cross_entropy(scores, labels), {"accuracy": correct}


class ProtoNet(EmbeddingMethod):
    """Prototypical networks: trained on episodes of base classes, evaluated as the nearest class mean."""

    api_version = 1
    name = "protonet"
    summary = "prototypical network: trained on episodes, nearest class mean"
    reference = "Snell, Swersky, Zemel: Prototypical networks for few-shot learning, 2017"
    trains = True
    Config = Config

    def __init__(self, config: Config | None = None) -> None:
        super().__init__(config)
        self.trains = self.config.checkpoint is None

    def fit(self, base: BaseData, context: Context) -> dict[str, Any]:
        """Train, or find what was trained before."""
        trunk = train_encoder(base, self.config, loss, context)
        self.encoder = trained_encoder(untrained(self.config, context), trunk)
        return {"checkpoint": self.encoder.fingerprint()[:16], **training_facts({"protonet": trunk.parent})}

    def setup(self, context: Context) -> None:
        """The nearest class mean; the encoder is there since ``fit``, or is that of ``checkpoint``."""
        if self.config.checkpoint is not None:
            self.encoder = trained_encoder(untrained(self.config, context), Path(self.config.checkpoint))
        self.head = Prototype(self.config.metric)
