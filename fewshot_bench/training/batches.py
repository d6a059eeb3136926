"""What a mini-batch is: episodes, pairs, triplets or labelled pictures of the base classes.

Each kind is a description of the batches. ``open`` makes them: pure functions of (seed, epoch, number), whatever ran
before. Each picture is decoded once, into a table of bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.index import ImageIndex
from fewshot_bench.episodes import EpisodeSet, EpisodeSpec, sample
from fewshot_bench.episodes.eligible import eligible_pools
from fewshot_bench.errors import UsageError
from fewshot_bench.training.augment import Augment, augmented
from fewshot_bench.training.draw import Drawn, draw_pairs, draw_triplets
from fewshot_bench.training.pictures import PictureTable, Prepare

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

TABLE = 4 * 2**30
"""Bytes up to which all pictures of the base data are kept decoded for pairs, triplets and labelled pictures."""


class Batches(Protocol):
    """Mini-batches of a training."""

    @property
    def images(self) -> int:
        """The number of pictures of a batch."""

    def batch(self, epoch: int, number: int) -> Any:
        """Returns batch ``number`` of ``epoch``; equal for equal arguments, whatever else ran."""


class Data(Protocol):
    """A description of mini-batches."""

    def open(self, prepare: Prepare, seed: int, steps: int) -> Batches:
        """Returns the batches, ``steps`` an epoch, of pictures as ``prepare`` makes them."""


class EpisodeBatch(NamedTuple):
    """T episodes as pictures: ``support [T, N, K, 3, S, S]`` and ``query [T, N, Q, 3, S, S]``, bytes.

    The class of support picture (t, n, k) and of query (t, n, q) is n.
    """

    support: NDArray[np.uint8]
    query: NDArray[np.uint8]

    def embedded(self, network: Module) -> tuple[Tensor, Tensor]:
        """Returns the embeddings ``[T, N, K, D]`` of the support and ``[T, N·Q, D]`` of the queries.

        All pictures go through the network together, so that its batch norms have one mean and variance.
        """
        shots = self.support.shape[2]
        vectors: Tensor = network(np.concatenate([self.support, self.query], axis=2))
        return vectors[:, :, :shots], vectors[:, :, shots:].flatten(1, 2)


class TupleBatch(NamedTuple):
    """P pairs or triplets as bytes ``[P, V, 3, S, S]``, and of pairs whether each shows one class ``[P]``."""

    images: NDArray[np.uint8]
    same: NDArray[np.bool_]


class PictureBatch(NamedTuple):
    """B pictures as bytes ``[B, 3, S, S]`` and their classes ``[B]``."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Episodes:
    """Batches of ``tasks`` episodes with ``ways`` classes, ``shots`` support and ``queries`` query pictures of each.

    The sampler of the evaluation draws them: pools, groups and guards of the data set hold here too. Classes with
    too few pictures are left out; ``open`` raises UsageError where fewer than ``ways`` others remain.
    """

    index: ImageIndex
    ways: int
    shots: int
    queries: int
    tasks: int = 1
    augment: Augment = "none"

    def open(self, prepare: Prepare, seed: int, steps: int) -> EpisodeBatches:
        """Returns the batches, an ``EpisodeBatch`` each."""
        classes = eligible_classes(self.index, self.shots, self.queries)
        if classes < self.ways:
            raise UsageError(
                f"Training episodes of {self.ways} classes with {self.shots} support and {self.queries} query "
                f"pictures each cannot be drawn: {self.index.name} has {classes} base classes with so many; "
                "ask for less."
            )
        return EpisodeBatches(self, prepare, seed, steps)


class EpisodeBatches:
    """The batches of ``Episodes``; all episodes of an epoch are drawn at once."""

    def __init__(self, data: Episodes, prepare: Prepare, seed: int, steps: int) -> None:
        self.data, self.seed, self.steps = data, seed, steps
        self.table = PictureTable(data.index, prepare)
        self.images = data.tasks * data.ways * (data.shots + data.queries)
        self._lock = Lock()
        self._drawn: tuple[int, EpisodeSet] | None = None

    def rows(self, epoch: int, number: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns the rows of the table of batch ``number``: ``support [T, N, K]`` and ``query [T, N, Q]``."""
        with self._lock:
            if self._drawn is None or self._drawn[0] != epoch:
                self._drawn = (epoch, self.draw(epoch))
            episodes = self._drawn[1]
        part = slice(number * self.data.tasks, (number + 1) * self.data.tasks)
        return episodes.support[part], episodes.query[part]

    def draw(self, epoch: int) -> EpisodeSet:
        """Returns all episodes of an epoch."""
        seed = int(np.random.SeedSequence([self.seed, epoch]).generate_state(1, np.uint64)[0])
        d = self.data
        spec = EpisodeSpec(d.ways, d.shots, d.queries, self.steps * d.tasks, seed, drop_small=True)
        return sample(d.index, spec)

    def batch(self, epoch: int, number: int) -> EpisodeBatch:
        """Returns the pictures of batch ``number``, each augmented in its own way."""
        rng = np.random.default_rng([self.seed, epoch, number])
        support, query = (
            augmented(self.table[rows], self.data.augment, rng) for rows in self.rows(epoch, number)
        )
        return EpisodeBatch(support, query)


@dataclass(frozen=True, eq=False)
class PairBatches:
    """Batches of ``count`` pairs of pictures; each shows one class with probability ``p_same`` (see ``draw_pairs``)."""

    index: ImageIndex
    count: int
    p_same: float = 0.5
    augment: Augment = "none"

    def open(self, prepare: Prepare, seed: int, steps: int) -> DrawnBatches:
        """Returns the batches, a ``TupleBatch`` each."""
        return DrawnBatches(self, prepare, seed, views=2)

    def draw(self, rng: np.random.Generator) -> Drawn:
        """Draws the pairs of a batch."""
        return draw_pairs(self.index.labels, self.count, self.p_same, rng)


@dataclass(frozen=True, eq=False)
class TripletBatches:
    """Batches of ``count`` triplets: an anchor, a picture of its class, one of another (see ``draw_triplets``)."""

    index: ImageIndex
    count: int
    augment: Augment = "none"

    def open(self, prepare: Prepare, seed: int, steps: int) -> DrawnBatches:
        """Returns the batches, a ``TupleBatch`` each."""
        return DrawnBatches(self, prepare, seed, views=3)

    def draw(self, rng: np.random.Generator) -> Drawn:
        """Draws the triplets of a batch."""
        return draw_triplets(self.index.labels, self.count, rng)


class DrawnBatches:
    """The batches of ``PairBatches`` and ``TripletBatches``."""

    def __init__(
        self, data: PairBatches | TripletBatches, prepare: Prepare, seed: int, *, views: int
    ) -> None:
        self.data, self.seed, self.images = data, seed, data.count * views
        self.table = PictureTable(data.index, prepare, keep=TABLE)

    def batch(self, epoch: int, number: int) -> TupleBatch:
        """Returns the tuples of batch ``number``, each picture augmented in its own way."""
        rng = np.random.default_rng([self.seed, epoch, number])
        rows, same = self.data.draw(rng)
        return TupleBatch(augmented(self.table[rows], self.data.augment, rng), same)


@dataclass(frozen=True, eq=False)
class PictureBatches:
    """Batches of ``size`` labelled pictures: every picture is shown before any is shown again."""

    index: ImageIndex
    size: int
    augment: Augment = "none"

    def open(self, prepare: Prepare, seed: int, steps: int) -> LabelledBatches:
        """Returns the batches, a ``PictureBatch`` each."""
        return LabelledBatches(self, prepare, seed)


class LabelledBatches:
    """The batches of ``PictureBatches``: the random order of an epoch begins again where it ends."""

    def __init__(self, data: PictureBatches, prepare: Prepare, seed: int) -> None:
        self.data, self.seed, self.images = data, seed, data.size
        self.table = PictureTable(data.index, prepare, keep=TABLE)

    def rows(self, epoch: int, number: int) -> NDArray[np.int64]:
        """Returns the rows ``[B]`` of batch ``number``."""
        size, count = self.data.size, len(self.data.index)
        places = np.arange(number * size, (number + 1) * size)
        orders = {
            turn: np.random.default_rng([self.seed, epoch, int(turn)]).permutation(count)
            for turn in np.unique(places // count)
        }
        return np.array([orders[place // count][place % count] for place in places])

    def batch(self, epoch: int, number: int) -> PictureBatch:
        """Returns the pictures of batch ``number``, each augmented in its own way."""
        rows, rng = self.rows(epoch, number), np.random.default_rng([self.seed, epoch, number])
        images = augmented(self.table[rows], self.data.augment, rng)
        return PictureBatch(images, self.data.index.labels[rows].astype(np.int64))


def eligible_classes(index: ImageIndex, shots: int, queries: int) -> int:
    """Returns the number of classes that can give so many support and query pictures."""
    spec = EpisodeSpec(2, shots, queries, 1, 0, drop_small=True)
    try:
        return len(eligible_pools(index, spec)[0])
    except UsageError:
        return 0
