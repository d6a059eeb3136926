"""Episodic training: batches of episodes of the base classes, and accuracy on those of the validation classes.

Each picture is decoded once, into a table of bytes; an episode is nothing but rows of it.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.index import QUERY, ImageIndex
from fewshot_bench.embed.pooling import pool
from fewshot_bench.episodes import EpisodeSet, EpisodeSpec, sample
from fewshot_bench.episodes.eligible import eligible_pools
from fewshot_bench.errors import UsageError
from fewshot_bench.metrics import accuracy_per_episode
from fewshot_bench.training.augment import Augmentation

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor
    from torch.nn import Module

    from fewshot_bench.embed.pretrained import PretrainedEncoder

Prepare = Callable[["Image"], NDArray[np.uint8]]
"""A picture as the network takes it, ``[3, S, S]``: an encoder's ``prepare``."""


class EpisodeBatch(NamedTuple):
    """T episodes as pictures: ``support [T, N, K, 3, S, S]`` and ``query [T, N, Q, 3, S, S]``, bytes.

    The class of support picture (t, n, k) and of query (t, n, q) is n.
    """

    support: NDArray[np.uint8]
    query: NDArray[np.uint8]


@dataclass(frozen=True)
class EpisodeShape:
    """Classes of an episode, support and query pictures of each class, and episodes of a batch."""

    ways: int
    shots: int
    queries: int
    tasks: int = 1

    @property
    def images(self) -> int:
        """Pictures of a batch."""
        return self.tasks * self.ways * (self.shots + self.queries)


class PictureTable:
    """The pictures of an index as bytes, each decoded once: when it is first asked for."""

    def __init__(self, index: ImageIndex, prepare: Prepare) -> None:
        self.index, self.prepare = index, prepare
        self._pictures: NDArray[np.uint8] | None = None
        self._known = np.zeros(len(index), dtype=bool)
        self._lock = Lock()

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Pictures ``rows [...]``, at least one, as ``[..., 3, S, S]``; those not decoded yet are, by threads."""
        with self._lock:
            missing = np.unique(rows[~self._known[rows]])
            if missing.size:
                with ThreadPoolExecutor() as pool:
                    found = list(pool.map(lambda row: self.prepare(self.index.reader(int(row))), missing))
                if self._pictures is None:
                    self._pictures = np.empty((len(self.index), *found[0].shape), dtype=np.uint8)
                self._pictures[missing] = found
                self._known[missing] = True
        assert self._pictures is not None
        return self._pictures[rows]


class Episodes:
    """Batches of training episodes, each a pure function of (seed, epoch, number).

    ``steps`` batches of an epoch are drawn at once, by the sampler that evaluation uses: pools, groups and
    guards of the data set hold here too. Classes with too few pictures are left out. Raises UsageError where
    there are fewer than ``shape.ways`` others.
    """

    def __init__(
        self,
        index: ImageIndex,
        prepare: Prepare,
        shape: EpisodeShape,
        *,
        steps: int,
        seed: int,
        augment: Augmentation | None = None,
    ) -> None:
        self.index, self.table, self.shape = index, PictureTable(index, prepare), shape
        self.steps, self.seed, self.augment = steps, seed, augment
        classes = eligible_classes(index, shape)
        if classes < shape.ways:
            raise UsageError(
                f"Training episodes of {shape.ways} classes with {shape.shots} support and {shape.queries} query "
                f"pictures each cannot be drawn: {index.name} has {classes} base classes with so many; ask for less."
            )
        self._lock = Lock()
        self._drawn: tuple[int, EpisodeSet] | None = None

    def rows(self, epoch: int, number: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of the table of batch ``number``: ``support [T, N, K]`` and ``query [T, N, Q]``."""
        with self._lock:
            if self._drawn is None or self._drawn[0] != epoch:
                self._drawn = (epoch, self.draw(epoch))
            episodes = self._drawn[1]
        part = slice(number * self.shape.tasks, (number + 1) * self.shape.tasks)
        return episodes.support[part], episodes.query[part]

    def draw(self, epoch: int) -> EpisodeSet:
        """All episodes of an epoch."""
        seed = int(np.random.SeedSequence([self.seed, epoch]).generate_state(1, np.uint64)[0])
        s = self.shape
        return sample(
            self.index, EpisodeSpec(s.ways, s.shots, s.queries, self.steps * s.tasks, seed, drop_small=True)
        )

    def batch(self, epoch: int, number: int) -> EpisodeBatch:
        """The pictures of batch ``number``, each changed in its own way where there is an augmentation."""
        support, query = (self.table[rows] for rows in self.rows(epoch, number))
        if self.augment is not None:
            rng = np.random.default_rng([self.seed, epoch, number])
            support, query = (self.augment(images, rng) for images in (support, query))
        return EpisodeBatch(support, query)


class ValidationEpisodes:
    """Fixed episodes of the validation classes: a ``table`` of pictures, ``tasks`` over it, and their labels.

    At most ``shape.ways`` classes and ``shape.queries`` query pictures, fewer where the data set has fewer.
    """

    def __init__(
        self,
        index: ImageIndex,
        prepare: Prepare,
        shape: EpisodeShape,
        *,
        episodes: int = 200,
        seed: int = 0,
    ) -> None:
        counts = np.bincount(index.labels[index.pools & QUERY > 0], minlength=len(index.class_names))
        queries = int(np.clip(counts.min(initial=len(index)) - shape.shots, 1, shape.queries))
        classes = eligible_classes(index, EpisodeShape(2, shape.shots, queries))
        ways = max(2, min(shape.ways, classes))
        drawn = sample(index, EpisodeSpec(ways, shape.shots, queries, episodes, seed, drop_small=True))
        rows = drawn.images()
        self.table = PictureTable(index, prepare)[rows]
        self.tasks, self.labels = drawn.tasks(rows)

    def accuracy(self, scores: NDArray[np.floating]) -> float:
        """Mean accuracy (0..1) of class scores ``[E, Q, N]`` of ``tasks``."""
        return float(accuracy_per_episode(scores, self.labels).mean())


def embedded(network: Module, encoder: PretrainedEncoder, images: NDArray[np.uint8]) -> Tensor:
    """``images [..., 3, S, S]`` -> embeddings ``[..., D]`` float32, by the encoder's trunk; gradients pass."""
    import torch

    device = next(network.parameters()).device
    flat = torch.from_numpy(images.reshape(-1, *images.shape[-3:])).to(device)
    vectors = pool(network(encoder.found.transform.normalise(flat)), encoder.pooling)
    return vectors.reshape(*images.shape[:-3], -1)


def eligible_classes(index: ImageIndex, shape: EpisodeShape) -> int:
    """The number of classes that can give so many support and query pictures."""
    spec = EpisodeSpec(2, shape.shots, shape.queries, 1, 0, drop_small=True)
    try:
        return len(eligible_pools(index, spec)[0])
    except UsageError:
        return 0
