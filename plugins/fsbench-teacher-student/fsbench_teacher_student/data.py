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
    as_tensor,
    generators,
    pairs_of_csv,
    pairs_of_labels,
    read_pictures,
    resized,
)
from fsbench_teacher_student.config import Config

if TYPE_CHECKING:
    from torch import Generator, Tensor

CLEAN = 0.3
"""Share of pairs whose second picture is as it was taken: a clean pack shot must be near its distortions."""


class Batch(NamedTuple):
    """B pairs and U unlabelled pictures as ``images [2B + U, 3, S, S]`` in 0..1, pair i being (i, B + i).

    ``products [2B]`` of the pairs, ``pseudolabels [U, D]`` of the others.
    """

    images: Tensor
    products: NDArray[np.int64]
    pseudolabels: Tensor | None = None


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
        # The product of each picture of ``index``: an annotated one, else its content.
        pairs = self.config.pairs
        self.annotated = None if pairs is None else pairs_of_csv(Path(pairs).expanduser(), self.labelled)
        known = self.labelled.labels if self.annotated is None else self.annotated.products
        keys = np.ascontiguousarray(self.index.digests[:, :8]).view("<u8")[:, 0]
        self.products = np.unique(keys, return_inverse=True)[1].astype(np.int64) + len(self.labelled)
        self.products[: len(known)] = np.where(known >= 0, known, self.products[: len(known)])

    @property
    def images(self) -> int:
        return 2 * self.config.batch

    def open(self, prepare: Prepare, seed: int, steps: int) -> ProductPairs:
        return replace(self, prepare=prepare, seed=seed)

    def batch(self, epoch: int, number: int) -> Batch:
        return self.pairs(*generators(self.seed, epoch, number))

    def read(self, rows: NDArray[np.int64]) -> Tensor:
        assert self.prepare is not None
        return as_tensor(read_pictures(self.index, rows, self.prepare))

    def pairs(self, rng: np.random.Generator, random: Generator) -> Batch:
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
        return Batch(seen, self.products[rows])

    def draw(self, count: int, rng: np.random.Generator) -> Pairs:
        if self.annotated is None:
            return pairs_of_labels(self.labelled, count, rng)
        chosen = rng.choice(len(self.annotated), count, replace=count > len(self.annotated))
        return Pairs(self.annotated.rows[chosen], self.annotated.products)


@dataclass(eq=False)
class Distillation(ProductPairs):
    """Batches of as many pairs as the teacher has, and unlabelled pictures for the share ``pseudolabels`` of a batch.

    Noisy student: it sees the distorted picture, and the pseudolabel is the teacher's embedding of the clean one,
    scaled to length 1. ``labels [M, D]`` are the teacher's embeddings of ``index``, read a batch at a time.
    """

    labels: Mapped | NDArray[Any] | None = None

    @property
    def images(self) -> int:
        return round(2 * self.config.batch / (1 - self.config.pseudolabels))

    def batch(self, epoch: int, number: int) -> Batch:
        import torch

        rng, random = generators(self.seed, epoch, number)
        pairs, size = self.pairs(rng, random), self.config.size
        count = self.images - len(pairs.images)
        if not count:
            return pairs
        assert self.labels is not None
        rows = rng.choice(len(self.index), count)
        images = self.read(rows)
        seen = Distortion()(images, size, random) if self.config.noise else resized(images, size)
        labels = self.labels[rows].astype(np.float32)
        labels /= np.linalg.norm(labels, axis=1, keepdims=True)
        return Batch(torch.cat([pairs.images, seen]), pairs.products, torch.from_numpy(labels))
