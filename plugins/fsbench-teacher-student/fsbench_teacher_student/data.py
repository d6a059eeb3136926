"""What teacher and student are trained on, one mini-batch at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.api import (
    Distortion,
    ImageIndex,
    Mapped,
    Pairs,
    Prepare,
    pairs_of_csv,
    pairs_of_labels,
    read_pictures,
)
from fsbench_teacher_student.config import Config

if TYPE_CHECKING:
    from torch import Generator, Tensor

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


@dataclass(eq=False)
class ProductPairs:
    """Pairs of pictures of one product, each picture distorted in its own way (section 3).

    ``labelled`` are the base classes. Pairs that need no annotation, one picture distorted twice, are drawn from
    ``index``, which begins with the labelled pictures.
    """

    labelled: ImageIndex
    index: ImageIndex
    config: Config
    prepare: Prepare | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        c = self.config
        self.annotated = (
            pairs_of_csv(Path(c.pairs).expanduser(), self.labelled) if c.pairs is not None else None
        )
        self.products = self.known_products()

    @property
    def images(self) -> int:
        """Pictures of a batch."""
        return 2 * self.config.batch

    def open(self, prepare: Prepare, seed: int, steps: int) -> ProductPairs:
        """Returns the same with the pictures that ``prepare`` makes and the generators of ``seed``."""
        return replace(self, prepare=prepare, seed=seed)

    def batch(self, epoch: int, number: int) -> Any:
        """Returns a ``PairBatch``."""
        return self.pair_batch(*generators(self.seed, epoch, number))

    def read(self, rows: NDArray[np.int64]) -> Tensor:
        """Returns pictures ``rows [B]`` of ``index`` as ``[B, 3, S, S]`` in 0..1."""
        assert self.prepare is not None
        return as_tensor(read_pictures(self.index, rows, self.prepare))

    def pair_batch(self, rng: np.random.Generator, random: Generator) -> PairBatch:
        """Returns pairs: two pictures of an annotated product, or any one picture twice."""
        count, size = self.config.batch, self.config.size
        rows = self.draw(count, rng).rows
        once = rng.random(count) >= self.config.annotated
        rows[once] = rng.choice(len(self.index), (int(once.sum()), 1))
        rows = rows.T.ravel()
        images = self.read(rows)
        seen = Distortion()(images, size, random)
        clean = np.flatnonzero(rng.random(count) < CLEAN) + count
        seen[clean] = resized(images[clean], size)
        return PairBatch(seen, self.products[rows])

    def draw(self, count: int, rng: np.random.Generator) -> Pairs:
        """Draws annotated pairs: from the CSV, or of the base labels."""
        if self.annotated is None:
            return pairs_of_labels(self.labelled, count, rng)
        chosen = rng.choice(len(self.annotated), count, replace=count > len(self.annotated))
        return Pairs(self.annotated.rows[chosen], self.annotated.products)

    def known_products(self) -> NDArray[np.int64]:
        """Returns the product of each picture of ``index`` [M]: an annotated one, else each content is its own."""
        known = self.labelled.labels if self.annotated is None else self.annotated.products
        keys = np.ascontiguousarray(self.index.digests[:, :8]).view("<u8")[:, 0]
        products = np.unique(keys, return_inverse=True)[1].astype(np.int64) + len(self.labelled)
        products[: len(known)] = np.where(known >= 0, known, products[: len(known)])
        return products


@dataclass(eq=False)
class Distillation(ProductPairs):
    """As many pairs as the teacher has, and unlabelled pictures for the share ``pseudolabels`` of a batch.

    Noisy student: it sees the distorted picture, and the pseudolabel is the teacher's embedding of the clean one.
    ``labels`` ``[M, D]`` are the teacher's embeddings of ``index``, of which a batch is read at a time.
    """

    labels: Mapped | NDArray[Any] | None = None

    @property
    def images(self) -> int:
        """Pictures of a batch."""
        return round(2 * self.config.batch / (1 - self.config.pseudolabels))

    def batch(self, epoch: int, number: int) -> Any:
        """Returns a ``StudentBatch``; its pseudolabels have length 1."""
        import torch

        rng, random = generators(self.seed, epoch, number)
        share, size = self.config.pseudolabels, self.config.size
        pairs = self.pair_batch(rng, random)
        count = round(2 * self.config.batch * share / (1 - share))
        if not count:
            return StudentBatch(pairs, pairs.images[:0], torch.empty(0))
        assert self.labels is not None
        rows = rng.choice(len(self.index), count)
        images = self.read(rows)
        seen = Distortion()(images, size, random) if self.config.noise else resized(images, size)
        labels = self.labels[rows].astype(np.float32)
        labels /= np.linalg.norm(labels, axis=1, keepdims=True)
        return StudentBatch(pairs, seen, torch.from_numpy(labels))


def generators(seed: int, epoch: int, number: int) -> tuple[np.random.Generator, Generator]:
    """Returns the private generators of one batch: the same whatever ran before."""
    import torch

    rng = np.random.default_rng([seed, epoch, number])
    return rng, torch.Generator().manual_seed(int(rng.integers(2**62)))


def as_tensor(images: NDArray[np.uint8]) -> Tensor:
    """Returns pictures ``[B, 3, S, S]`` in 0..1."""
    import torch

    return torch.from_numpy(images).float() / 255


def resized(images: Tensor, size: int) -> Tensor:
    """Returns pictures at another side length, bilinear and antialiased."""
    from torch.nn.functional import interpolate

    return interpolate(images, (size, size), mode="bilinear", antialias=True)
