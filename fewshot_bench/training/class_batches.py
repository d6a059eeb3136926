"""Batches of P classes with K pictures each: for losses that compare the pictures of a batch with each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.index import ImageIndex
from fewshot_bench.errors import UsageError
from fewshot_bench.training.augment import Augment, augmented
from fewshot_bench.training.batches import TABLE, PictureBatch
from fewshot_bench.training.pictures import PictureTable, Prepare


@dataclass(frozen=True, eq=False)
class ClassBatches:
    """Batches of ``pictures`` pictures of each of ``classes`` classes, class after class (Hermans et al. 2017).

    Classes with fewer pictures are left out; ``open`` raises UsageError where fewer than ``classes`` others remain.
    """

    index: ImageIndex
    classes: int
    pictures: int
    augment: Augment = "none"

    def open(self, prepare: Prepare, seed: int, steps: int) -> OpenClassBatches:
        """Returns the batches, a ``PictureBatch`` each."""
        sizes = np.bincount(self.index.labels, minlength=len(self.index.class_names))
        eligible = np.flatnonzero(sizes >= self.pictures)
        if not 1 <= self.classes <= len(eligible):
            raise UsageError(
                f"Batches of {self.classes} classes with {self.pictures} pictures each cannot be drawn: "
                f"{self.index.name} has {len(eligible)} base classes with so many; ask for less."
            )
        return OpenClassBatches(self, prepare, seed, eligible)


class OpenClassBatches:
    """The batches of ``ClassBatches``, each drawn by itself."""

    def __init__(self, data: ClassBatches, prepare: Prepare, seed: int, eligible: NDArray[np.int64]) -> None:
        self.data, self.seed, self.eligible = data, seed, eligible
        self.images = data.classes * data.pictures
        self.table = PictureTable(data.index, prepare, keep=TABLE)
        self._rows = [np.flatnonzero(data.index.labels == label) for label in eligible]

    def rows(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draws the rows ``[P · K]`` of a batch: different classes, and different pictures of each."""
        chosen = rng.choice(len(self.eligible), self.data.classes, replace=False)
        return np.concatenate([rng.choice(self._rows[c], self.data.pictures, replace=False) for c in chosen])

    def batch(self, epoch: int, number: int) -> PictureBatch:
        """Returns the pictures of batch ``number``, each augmented in its own way."""
        rng = np.random.default_rng([self.seed, epoch, number])
        rows = self.rows(rng)
        images = augmented(self.table[rows], self.data.augment, rng)
        return PictureBatch(images, self.data.index.labels[rows].astype(np.int64))
