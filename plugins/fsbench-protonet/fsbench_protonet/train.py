"""Training the network of ``protonet``, once for the same data, parameters and version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fewshot_bench.api import (
    Augmentation,
    BaseData,
    Context,
    EpisodeBatch,
    Episodes,
    EpisodeShape,
    PretrainedEncoder,
    Prototype,
    Schedule,
    ValidationEpisodes,
    embedded,
    export,
    exported,
    train,
)
from fsbench_protonet.config import Config

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

VERSION = 1
"""Of this training: raised whenever the same data and parameters give other weights."""

BATCH = 64
"""Validation pictures that are embedded at once."""

Loss = Callable[["Module", PretrainedEncoder, EpisodeBatch, str], tuple["Tensor", dict[str, float]]]


def untrained(config: Config, context: Context) -> PretrainedEncoder:
    """The network that training begins with."""
    pooling = config.pooling
    if pooling == "auto":
        pooling = "flatten" if config.backbone.startswith("conv4") else "average"
    return context.encoder(
        config.backbone, pooling=pooling, size=config.size or None, pretrained=config.pretrained
    )


class ProtoTask:
    """What the loop asks: batches of episodes, their loss, and the accuracy on validation episodes."""

    def __init__(self, base: BaseData, config: Config, loss: Loss, context: Context) -> None:
        self.config, self.objective = config, loss
        self.encoder = encoder = untrained(config, context)
        self.shape = EpisodeShape(config.train_ways, config.train_shots, config.queries)
        natural = Augmentation(shift=encoder.found.transform.size // 10) if config.augment else None
        self.validation = ValidationEpisodes(
            base.validation,
            encoder.prepare,
            EpisodeShape(config.validation_ways, config.validation_shots, 15),
            episodes=config.validation_episodes,
            seed=context.seed,
        )
        self.episodes = Episodes(
            base.train, encoder.prepare, self.shape, steps=config.episodes, seed=context.seed, augment=natural
        )

    def batch(self, epoch: int, number: int) -> Any:
        """One episode."""
        return self.episodes.batch(epoch, number)

    def loss(self, network: Module, batch: Any) -> tuple[Tensor, dict[str, float]]:
        """The method's own."""
        return self.objective(network, self.encoder, batch, self.config.metric)

    def validate(self, network: Module) -> float:
        """Accuracy of the nearest class mean on validation classes."""
        import torch

        table, tasks = self.validation.table, self.validation.tasks
        parts = np.array_split(table, -(-len(table) // BATCH))
        vectors = torch.cat([embedded(network, self.encoder, part) for part in parts])
        scores, _ = Prototype(self.config.metric).scores(vectors, tasks)
        return self.validation.accuracy(scores.cpu().numpy())


def train_encoder(base: BaseData, config: Config, loss: Loss, context: Context) -> Path:
    """The trunk of the training, from the cache where it was finished before."""
    encoder = untrained(config, context)
    folder = context.folder(
        "protonet", VERSION, config.training(), encoder.fingerprint(),
        base.train.fingerprint, base.validation.fingerprint,
    )  # fmt: skip
    if (trunk := exported(folder)) is not None:
        return trunk
    task = ProtoTask(base, config, loss, context)
    scratch = encoder.pretraining == "none"
    schedule = Schedule(
        epochs=config.epochs,
        steps=config.episodes,
        lr=config.lr,
        weight_decay=config.weight_decay,
        average=config.average,
        patience=config.patience,
        precision="bf16" if context.device == "cuda" else "float32",
        batch_norm="trained" if scratch else "frozen",
    )
    network = replace(encoder).trunk  # a copy of the encoder builds a network of its own
    best = train(
        "protonet", network, task, schedule, folder, context.progress,
        device=context.device, images_per_batch=task.shape.images,
    )  # fmt: skip
    seen = base.seen(labels=True, unlabelled=False)
    return export(folder, best, encoder, *seen, shown=[base.train, base.validation])
