"""EpisodeSet: episodes as integer arrays, with the hash under which results may be compared."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.episodes.rng import ORDER, random_keys, smallest
from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.errors import FsbenchError
from fewshot_bench.notebook import facts

if TYPE_CHECKING:
    from fewshot_bench.episodes.pools import ImageArrays


@dataclass(frozen=True, eq=False)
class EpisodeSet:
    """E episodes of up to N classes with K support and Q query images each; −1 is padding and comes last.

    Parameters
    ----------
    spec : the spec that was asked for.
    dataset, dataset_fingerprint : name and fingerprint of the index that the episodes were drawn from.
    classes : int32 [E, N], class numbers of the index, in the order drawn.
    support : int64 [E, N, K], row numbers of the index.
    query : int64 [E, N, Q], row numbers of the index.
    class_names : names of all classes of the index.
    dropped : (name, support images, query images) of classes left out as too small.
    """

    spec: EpisodeSpec
    dataset: str
    dataset_fingerprint: str
    classes: NDArray[np.int32]
    support: NDArray[np.int64]
    query: NDArray[np.int64]
    class_names: tuple[str, ...]
    dropped: tuple[tuple[str, int, int], ...] = ()

    def __len__(self) -> int:
        return len(self.classes)

    @cached_property
    def sha256(self) -> str:
        """The sha256 (hex) of canonical bytes: data set and its fingerprint, class names, spec and arrays."""
        head = {
            "dataset": self.dataset,
            "dataset_fingerprint": self.dataset_fingerprint,
            "spec": self.spec.to_json(),
            "class_names": self.class_names,
            "dropped": self.dropped,
        }
        sha = hashlib.sha256(b"fsbench-episodes-1\n")
        sha.update(json.dumps(head, sort_keys=True, separators=(",", ":")).encode("ascii"))
        for array, kind in ((self.classes, "<i4"), (self.support, "<i8"), (self.query, "<i8")):
            sha.update(np.array(array.shape, dtype="<i8").tobytes())
            sha.update(np.ascontiguousarray(array, dtype=kind).tobytes())
        return sha.hexdigest()

    @cached_property
    def support_counts(self) -> NDArray[np.int64]:
        """The numbers of support images of each class of each episode, [E, N]."""
        return np.asarray((self.support >= 0).sum(axis=2))

    def _repr_html_(self) -> str:
        """Returns what a notebook shows: the counts, the data set and the hash."""
        spec = self.spec.to_json()
        rows = [("data set", self.dataset), *spec.items(), ("classes left out", len(self.dropped) or "")]
        return facts("Episodes", [*rows, ("sha256", self.sha256[:16])])

    def save(self, path: Path | str) -> None:
        """Writes a manifest, for ``load``, ``--episodes-from`` and other tools; FsbenchError where that fails."""
        from fewshot_bench.episodes.manifest import save_manifest

        save_manifest(path, self)

    @classmethod
    def load(cls, path: Path | str, index: ImageArrays | None = None) -> EpisodeSet:
        """Returns the episodes of a manifest whose hash is right; with an ``index``, all that they state is checked.

        Raises FsbenchError with one sentence for each thing that can be wrong.
        """
        from fewshot_bench.episodes.manifest import load_manifest

        return load_manifest(path, index)

    def images(self) -> NDArray[np.int64]:
        """Returns the row numbers of all images of the episodes, sorted, each once."""
        most = max(int(self.support.max(initial=-1)), int(self.query.max(initial=-1)))
        there = np.zeros(most + 2, dtype=bool)  # the last place is that of padding, −1
        there[self.support] = there[self.query] = True
        return np.flatnonzero(there[:-1])

    def tasks(self, rows: NDArray[np.int64] | None = None) -> tuple[Tasks, NDArray[np.int64]]:
        """Returns ``Tasks``, which a method sees, and the labels int64 [E, Q'], which it does not see.

        The queries of an episode's classes stand in an order keyed by (seed; episode, image), with padding
        last. A label is the position 0 … N−1 of the query's class in the episode, and −1 for padding. With
        ``rows`` the tasks hold rows of a table whose i-th row is image ``rows[i]``; each image stands once, in
        any order. Raises FsbenchError when an image of the episodes is not in ``rows``.
        """
        episodes, ways, shots = self.query.shape
        flat = self.query.reshape(episodes, ways * shots)
        valid = flat >= 0
        keys, _ = random_keys(self.spec.seed, ORDER, np.arange(episodes)[:, None], flat.clip(min=0))
        order = smallest(keys, int(valid.sum(axis=1).max()), valid)
        query = np.take_along_axis(flat, order, axis=1)
        labels = np.where(query >= 0, order // shots, -1)
        if rows is None:
            return Tasks(self.support, query), labels
        return Tasks(_renumber(self.support, rows), _renumber(query, rows)), labels


def _renumber(images: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the places of images in ``rows``; −1 stays."""
    most = max(int(images.max(initial=-1)), int(rows.max(initial=-1)))
    place = np.full(most + 2, -1)  # the last one is that of padding, −1
    place[rows] = np.arange(len(rows))
    places = place[images]
    missing = (places < 0) & (images >= 0)
    if missing.any():
        raise FsbenchError(
            f"image {int(images[missing][0])} of the episodes is not among the {len(rows)} of the table; "
            "embed every image that EpisodeSet.images() names."
        )
    return places
