"""Training a Siamese network, once for the same data, parameters and version."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.api import (
    Augmentation,
    BaseData,
    Context,
    Distortion,
    EpisodeShape,
    KNearest,
    PictureTable,
    PretrainedEncoder,
    Schedule,
    ValidationEpisodes,
    average_precision,
    export_projected,
    exported,
    freeze,
    hardest,
    pictures,
    projected,
    train,
)
from fsbench_siamese.config import Config, check
from fsbench_siamese.draw import Drawn

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

VERSION = 1
"""Of this training: raised whenever the same data and parameters give other weights."""

TABLE = 4 * 2**30
"""Bytes up to which all pictures of the base data are kept decoded."""

WAYS, SHOTS, QUERIES, EPISODES = 20, 5, 15, 20
"""Of validation, at most: where classes have fewer pictures than shots and queries, there are fewer of them."""

PARTS = 64
"""Validation pictures that are embedded at once."""


class Batch(NamedTuple):
    """P tuples as bytes ``[P, V, 3, S, S]``, and of pairs whether each shows one class ``[P]``."""

    images: NDArray[np.uint8]
    same: NDArray[np.bool_]


class Objective(Protocol):
    """What tuples are drawn, and the loss of each."""

    def draw(self, labels: NDArray[np.integer], count: int, rng: np.random.Generator) -> Drawn: ...

    def losses(self, vectors: Tensor, same: Tensor) -> Tensor: ...


class SiameseTask:
    """What the loop asks: tuples, the mean of their largest losses, and mAP on validation classes."""

    def __init__(
        self, base: BaseData, encoder: PretrainedEncoder, config: Config, objective: Objective, seed: int
    ) -> None:
        self.index, self.encoder, self.config = base.train, encoder, config
        self.objective, self.seed = objective, seed
        size = encoder.found.transform.size
        small = len(self.index) * 3 * size**2 <= TABLE
        self.table = PictureTable(self.index, encoder.prepare) if small else None
        counts = np.bincount(base.validation.labels)
        shape = EpisodeShape(WAYS, int(np.clip(np.median(counts) - 1, 1, SHOTS)), QUERIES)
        self.validation = ValidationEpisodes(
            base.validation, encoder.prepare, shape, episodes=EPISODES, seed=seed
        )
        self.images_per_batch = self.drawn(np.random.default_rng(0)).rows.size

    def drawn(self, rng: np.random.Generator) -> Drawn:
        """The tuples of a mini-batch."""
        return self.objective.draw(self.index.labels, self.config.batch, rng)

    def batch(self, epoch: int, number: int) -> Batch:
        """Tuples of pictures, each changed in its own way: a pure function of (seed, epoch, number)."""
        rng = np.random.default_rng([self.seed, epoch, number])
        rows, same = self.drawn(rng)
        flat = rows.ravel()
        images = pictures(self.index, flat, self.encoder) if self.table is None else self.table[flat]
        images = augmented(images, self.config.augment, rng)
        return Batch(images.reshape(*rows.shape, *images.shape[1:]), same)

    def loss(self, network: Module, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """The mean of the share ``mining`` of largest losses, with the share of losses above 0."""
        import torch

        device = next(network.parameters()).device
        images, same = (torch.from_numpy(part).to(device) for part in batch)
        vectors = network(images.flatten(0, 1)).unflatten(0, batch.images.shape[:2])
        losses = self.objective.losses(vectors, same)
        active = float((losses.detach() > 0).float().mean())
        return hardest(losses, self.config.mining), {"active": active}

    def validate(self, network: Module) -> float:
        """mAP: support pictures of validation episodes ranked for each query by their distance."""
        import torch

        device = next(network.parameters()).device
        parts = np.array_split(self.validation.table, -(-len(self.validation.table) // PARTS))
        vectors = torch.cat([network(torch.from_numpy(part).to(device)) for part in parts])
        tasks, labels = self.validation.tasks, self.validation.labels
        items = KNearest().item_scores(vectors, tasks).cpu().numpy()
        relevant = np.arange(tasks.ways * tasks.shots) // tasks.shots == labels[:, :, None]
        asked = labels >= 0
        return float(average_precision(items[asked], relevant[asked]).mean())


def augmented(images: NDArray[np.uint8], kind: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Pictures ``[B, 3, S, S]`` mirrored and moved by up to a tenth (``flip``), distorted, or as they are."""
    if kind == "none":
        return images
    side = images.shape[-1]
    if kind == "flip":
        return Augmentation(shift=side // 10)(images, rng)
    import torch

    random = torch.Generator().manual_seed(int(rng.integers(2**62)))
    seen = Distortion()(torch.from_numpy(images).float() / 255, side, random)
    return np.asarray((seen * 255).round().byte().numpy())


def untrained(config: Config, context: Context) -> PretrainedEncoder:
    """The backbone that training begins with."""
    return context.encoder(
        config.backbone, pooling=config.pooling, size=config.size or None, pretrained=config.pretrained
    )


def train_encoder(name: str, base: BaseData, config: Config, objective: Objective, context: Context) -> Path:
    """The trunk of the training, its projection beside it; from the cache where it was finished before."""
    check(config)
    encoder = untrained(config, context)
    folder = context.folder(
        name, VERSION, config.training(), encoder.fingerprint(), base.train.fingerprint, base.validation.fingerprint,
    )  # fmt: skip
    if (trunk := exported(folder)) is not None:
        return trunk
    small = replace(encoder, size=config.train_size)
    network = projected(small, config.widths, config.output, context.seed)
    freeze(network.get_submodule("trunk"), config.freeze)
    task = SiameseTask(base, small, config, objective, context.seed)
    schedule = Schedule(
        epochs=config.epochs,
        steps=max(1, config.samples // config.batch),
        lr=config.lr,
        weight_decay=0.0,
        average=config.average,
        patience=config.patience,
        precision=config.precision,
        batch_norm="trained" if encoder.pretraining == "none" else "frozen",
    )
    best = train(
        name, network, task, schedule, folder, context.progress,
        device=context.device, images_per_batch=task.images_per_batch,
    )  # fmt: skip
    seen = base.seen(labels=True, unlabelled=False)
    return export_projected(folder, best, encoder, config.output, *seen, shown=[base.train, base.validation])
