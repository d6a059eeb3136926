"""The outer loop: once for the same data, parameters and version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.api import (
    Augmentation,
    BaseData,
    Context,
    Episodes,
    EpisodeShape,
    ImageTasks,
    Pictures,
    Schedule,
    UsageError,
    ValidationEpisodes,
    train,
    write_atomic,
    write_seen,
)
from fsbench_maml.config import Config, Rule
from fsbench_maml.network import make
from fsbench_maml.scores import Backend, as_tensor, score_tasks

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor
    from torch.nn import Module

VERSION = 1
"""Of this training: raised whenever the same data and parameters give other weights."""

WEIGHTS = "weights.safetensors"
"""Written last: a folder that holds it holds a finished training."""


class MetaTask:
    """What the loop asks: meta-batches of base episodes, their loss, and the accuracy on validation episodes."""

    def __init__(
        self, base: BaseData, config: Config, rule: Rule, test_rule: Rule, backend: Backend, context: Context
    ) -> None:
        self.rule, self.test_rule, self.backend, self.device = rule, test_rule, backend, context.device
        shape = EpisodeShape(config.train_ways, config.train_shots, config.queries, config.meta_batch)
        natural = Augmentation(shift=config.size // 10) if config.augment else None
        pictures = Pictures(config.size)

        def prepare(image: Image) -> NDArray[np.uint8]:
            return pictures.prepare(image).reshape(3, config.size, config.size)

        self.validation = ValidationEpisodes(
            base.validation, prepare, shape, episodes=config.validation, seed=context.seed
        )
        classes = self.validation.tasks.ways
        if config.head == "own" and classes != config.train_ways:
            raise UsageError(
                f"Selection with head=own needs {config.train_ways} validation classes and {base.name} has "
                f"{classes}; train with fewer train_ways, or with head=shared."
            )
        self.episodes = Episodes(
            base.train, prepare, shape, steps=config.iterations, seed=context.seed, augment=natural
        )

    def batch(self, epoch: int, number: int) -> Any:
        """T episodes."""
        return self.episodes.batch(epoch, number)

    def loss(self, network: Module, batch: Any) -> tuple[Tensor, dict[str, float]]:
        """Σ_i L(f_θ'_i) over the queries of the meta-batch (Finn et al. 2017, algorithm 2), as a mean."""
        import torch
        from torch.nn.functional import cross_entropy

        support, query = (as_tensor(x, self.device) for x in batch)
        ways = torch.arange(support.shape[1], device=self.device)
        labels = ways.repeat_interleave(support.shape[2])
        scores = self.backend(network, support.flatten(1, 2), labels, query.flatten(1, 2), self.rule)
        wanted = ways.repeat_interleave(query.shape[2]).repeat(len(query))
        scores = scores.flatten(0, 1)
        correct = float((scores.detach().argmax(dim=1) == wanted).float().mean())
        return cross_entropy(scores, wanted), {"accuracy": correct}

    def validate(self, network: Module) -> float:
        """Accuracy on validation classes, adapted as in evaluation."""
        episodes = ImageTasks(self.validation.table, self.validation.tasks, self.device)
        return self.validation.accuracy(score_tasks(network, episodes, self.test_rule, self.backend))


def trained(
    name: str, base: BaseData, task: Callable[[], MetaTask], config: Config, context: Context
) -> Path:
    """The weights of a training: found where it was finished before, gone on with where it was interrupted."""
    folder = context.folder(
        name, VERSION, asdict(config), base.train.fingerprint, base.validation.fingerprint
    )
    weights = folder / WEIGHTS
    if weights.is_file():
        return weights
    schedule = Schedule(
        epochs=config.epochs,
        steps=config.iterations,
        lr=config.lr,
        weight_decay=0.0,
        average=config.average,
        patience=config.patience,
        precision="bf16" if context.device == "cuda" else "float32",
    )
    outer = task()
    best = train(
        name, untrained(config, context), outer, schedule, folder, context.progress,
        device=context.device, images_per_batch=outer.episodes.shape.images,
    )  # fmt: skip
    write_seen(weights, [base.train, base.validation])
    write_atomic(weights, lambda stream: stream.write(best.read_bytes()))
    return weights


def untrained(config: Config, context: Context) -> Module:
    """The network that training begins with, the same for the same seed."""
    rows = 1 if config.head == "shared" else config.train_ways
    return make(config.channels, config.size, rows, context.seed).to(context.device)


def load(weights: Path, config: Config, context: Context) -> Module:
    """The trained network."""
    from safetensors.torch import load_file

    network = untrained(config, context)
    network.load_state_dict(load_file(weights))
    return network.eval()
