"""What teacher and student are trained on, one mini-batch at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.api import (
    BaseData,
    Distortion,
    ImageIndex,
    Mapped,
    Pairs,
    PretrainedEncoder,
    Validation,
    batch_pairs,
    contrastive,
    hardest,
    pairs_of_csv,
    pairs_of_labels,
    pictures,
    unit_vectors,
)
from fsbench_teacher_student.config import Config

if TYPE_CHECKING:
    from torch import Generator, Tensor
    from torch.nn import Module

CLEAN = 0.3
"""Share of pairs whose second picture is as it was taken: a clean pack shot must be near its distortions."""


class PairBatch(NamedTuple):
    """B pairs as pictures ``[2B, 3, S, S]`` in 0..1, pair i being (i, B + i), and their products ``[2B]``."""

    images: Tensor
    products: NDArray[np.int64]


class StudentBatch(NamedTuple):
    """Pairs, and unlabelled pictures ``[U, 3, S, S]`` with their pseudolabels ``[U, D]``."""

    pairs: PairBatch
    unlabelled: Tensor
    pseudolabels: Tensor


class TeacherTask:
    """Contrastive loss on annotated pairs, the hardest of a mini-batch back-propagated (section 3).

    Two distorted pictures of one product are pulled together, pictures of different products pushed apart:
    L = y·d + (1 − y)·max(0, m − d), d Euclidean and not squared.
    """

    def __init__(self, base: BaseData, encoder: PretrainedEncoder, config: Config, seed: int) -> None:
        self.base, self.encoder, self.config, self.seed = base, encoder, config, seed
        self.annotated = pairs_of_csv(Path(config.pairs), base.train) if config.pairs else None
        self.index = base.train
        self.products = self.known_products(base.train)
        self.validation = Validation(base.validation, encoder)
        self.images_per_batch = 2 * config.batch

    def batch(self, epoch: int, number: int) -> Any:
        """The pairs of a batch, each picture distorted in its own way."""
        rng, random = generators(self.seed, epoch, number)
        return self.pair_batch(self.config.batch, rng, random)

    def pair_batch(self, count: int, rng: np.random.Generator, random: Generator) -> PairBatch:
        """``count`` pairs: two pictures of an annotated product, or any one picture twice."""
        rows = self.draw(count, rng).rows
        once = rng.random(count) >= self.config.annotated
        rows[once] = rng.choice(len(self.index), (int(once.sum()), 1))
        rows = rows.T.ravel()
        images = as_tensor(pictures(self.index, rows, self.encoder))
        seen = Distortion()(images, self.config.size, random)
        clean = np.flatnonzero(rng.random(count) < CLEAN) + count
        seen[clean] = resized(images[clean], self.config.size)
        return PairBatch(seen, self.products[rows])

    def draw(self, count: int, rng: np.random.Generator) -> Pairs:
        """Annotated pairs drawn at random: from the CSV, or of the base labels."""
        if self.annotated is None:
            return pairs_of_labels(self.base.train, count, rng)
        chosen = rng.choice(len(self.annotated), count, replace=count > len(self.annotated))
        return Pairs(self.annotated.rows[chosen], self.annotated.products)

    def known_products(self, index: ImageIndex) -> NDArray[np.int64]:
        """The product of each picture of ``index`` [M], which begins with the train pictures.

        An annotated product where there is one; else each content is its own.
        """
        known = self.base.train.labels if self.annotated is None else self.annotated.products
        keys = np.ascontiguousarray(index.digests[:, :8]).view("<u8")[:, 0]
        products = np.unique(keys, return_inverse=True)[1].astype(np.int64) + len(self.base.train)
        products[: len(known)] = np.where(known >= 0, known, products[: len(known)])
        return products

    def loss(self, network: Module, batch: Any) -> tuple[Tensor, dict[str, float]]:
        """The mean of the hardest losses of the batch."""
        return self.pair_loss(self.vectors(network, batch.images), batch.products)

    def vectors(self, network: Module, images: Tensor) -> Tensor:
        """Embeddings of length 1 ``[B, D]`` of pictures ``[B, 3, S, S]`` in 0..1."""
        return unit_vectors(network, self.encoder, images)

    def pair_loss(self, vectors: Tensor, products: NDArray[np.int64]) -> tuple[Tensor, dict[str, float]]:
        """The loss of embeddings ``[2B, D]``, with the share of active pairs (loss above 0)."""
        import torch

        first, second, same = (torch.from_numpy(x).to(vectors.device) for x in batch_pairs(products))
        losses = contrastive(vectors[first], vectors[second], same, self.config.margin)
        active = float((losses.detach() > 0).float().mean())
        return hardest(losses, self.config.mining), {"active": active}

    def validate(self, network: Module) -> float:
        """1-shot accuracy on validation classes."""
        return self.validation.score(lambda images: self.vectors(network, images))


class StudentTask(TeacherTask):
    """Half pairs with the teacher's loss and mining, half unlabelled pictures with Smooth L1 to the teacher.

    Pairs that need no annotation, one picture distorted twice, are drawn from the unlabelled pictures, which
    begin with the labelled ones. Noisy student: it sees the distorted picture, the pseudolabel is the
    teacher's of the clean one.
    ``labels`` ``[M, D]`` are the teacher's embeddings of ``base.unlabelled``, a batch of which is read at a
    time; the pseudolabels are those of length 1.
    """

    def __init__(
        self,
        base: BaseData,
        encoder: PretrainedEncoder,
        config: Config,
        seed: int,
        labels: Mapped | NDArray[Any],
    ) -> None:
        super().__init__(base, encoder, config, seed)
        self.index = base.unlabelled
        self.products = self.known_products(base.unlabelled)
        self.labels = labels
        self.images_per_batch = round(2 * config.batch / (1 - config.pseudolabels))

    def batch(self, epoch: int, number: int) -> Any:
        """As many pairs as the teacher has, and unlabelled pictures for the share ``pseudolabels`` of all."""
        import torch

        rng, random = generators(self.seed, epoch, number)
        share = self.config.pseudolabels
        pairs = self.pair_batch(self.config.batch, rng, random)
        count = round(2 * self.config.batch * share / (1 - share))
        if not count:
            return StudentBatch(pairs, pairs.images[:0], torch.empty(0))
        rows = rng.choice(len(self.base.unlabelled), count)
        images = as_tensor(pictures(self.base.unlabelled, rows, self.encoder))
        size = self.config.size
        seen = Distortion()(images, size, random) if self.config.noise else resized(images, size)
        labels = self.labels[rows].astype(np.float32)
        labels /= np.linalg.norm(labels, axis=1, keepdims=True)
        return StudentBatch(pairs, seen, torch.from_numpy(labels))

    def loss(self, network: Module, batch: Any) -> tuple[Tensor, dict[str, float]]:
        """(1 − w) · contrastive + w · Smooth L1, the latter summed over the D values of a picture."""
        import torch
        from torch.nn.functional import smooth_l1_loss

        vectors = self.vectors(network, torch.cat([batch.pairs.images, batch.unlabelled]))
        count = len(batch.pairs.images)
        pairs, numbers = self.pair_loss(vectors[:count], batch.pairs.products)
        if not len(batch.unlabelled):
            return pairs, numbers
        target = batch.pseudolabels.to(vectors.device)
        pseudo = smooth_l1_loss(vectors[count:], target, reduction="none").sum(dim=1).mean()
        weight = self.config.weight
        numbers |= {"pairs": float(pairs.detach()), "pseudo": float(pseudo.detach())}
        return (1 - weight) * pairs + weight * pseudo, numbers


class OtherStudentTask(StudentTask):
    """A student of another architecture: ``projected`` brings its embeddings to the teacher's width and length 1."""

    def vectors(self, network: Module, images: Tensor) -> Tensor:
        """As the network gives them."""
        vectors: Tensor = network(images.to(next(network.parameters()).device) * 255)
        return vectors


def generators(seed: int, epoch: int, number: int) -> tuple[np.random.Generator, Generator]:
    """The private generators of one batch: the same whatever ran before."""
    import torch

    rng = np.random.default_rng([seed, epoch, number])
    return rng, torch.Generator().manual_seed(int(rng.integers(2**62)))


def as_tensor(images: NDArray[np.uint8]) -> Tensor:
    """Pictures ``[B, 3, S, S]`` in 0..1."""
    import torch

    return torch.from_numpy(images).float() / 255


def resized(images: Tensor, size: int) -> Tensor:
    """Pictures at another side length, bilinear and antialiased."""
    from torch.nn.functional import interpolate

    return interpolate(images, (size, size), mode="bilinear", antialias=True)
