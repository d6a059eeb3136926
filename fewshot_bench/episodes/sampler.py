"""sample: a pure function from (data set, spec) to a set of episodes, vectorised and chunked.

Every draw is keyed by (seed; episode, stream, item): episode i is the same for any number of episodes, any
memory budget, any process.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.episodes.draw import ClassCounts, draw_class
from fewshot_bench.episodes.eligible import eligible_pools
from fewshot_bench.episodes.episode_set import EpisodeSet
from fewshot_bench.episodes.pools import ClassPool, ImageArrays
from fewshot_bench.episodes.rng import CLASSES, random_keys, smallest
from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.episodes.variable import draw_counts, draw_ways, query_capacity
from fewshot_bench.errors import FsbenchError

Ints = NDArray[np.int64]

ATTEMPTS = 100
"""Draws of an episode that are tried where groups span classes, before it is refused."""


@dataclass(frozen=True)
class Composition:
    """The classes of B episodes as places [B, N] in the list of pools (−1 for padding), and what each has to give."""

    places: Ints
    shots: Ints
    needed: Ints
    queries: Ints

    def __getitem__(self, part: NDArray[np.int64]) -> Composition:
        return Composition(self.places[part], self.shots[part], self.needed[part], self.queries[part])


def sample(index: ImageArrays, spec: EpisodeSpec, memory: int = 256 * 2**20) -> EpisodeSet:
    """Returns the episodes of ``spec``, drawn from a data set in about ``memory`` bytes beside the result.

    Classes come in random order, so that a label says nothing. Support comes from images of the support pool,
    queries from those of the query pool. No image and no group stands on both sides of an episode; inside a
    class every query is at least ``guards[c]`` positions from every support image. A group that spans classes
    is put on one side of each episode by a coin.

    Raises UsageError, naming classes and counts, when the data set cannot give what is asked, and FsbenchError
    when the coins allow no draw.
    """
    pools, dropped = eligible_pools(index, spec)
    capacity = np.array([query_capacity(pool) if spec.variable else 0 for pool in pools], dtype=np.int64)
    step = max(1, memory // (64 * len(pools) + 128 * max(len(pool.rows) for pool in pools)))
    chunks = []
    for start in range(0, spec.episodes, step):
        episodes = np.arange(start, min(start + step, spec.episodes))
        asked = _compose(pools, capacity, spec, episodes)
        numbers = np.array([pool.number for pool in pools])
        classes = np.where(asked.places >= 0, numbers[asked.places], -1)
        chunks.append((classes, *_draw(pools, asked, spec, episodes)))
    classes, support, query = (_stack(arrays) for arrays in zip(*chunks, strict=True))
    return EpisodeSet(
        spec=spec,
        dataset=index.name,
        dataset_fingerprint=index.fingerprint,
        classes=classes.astype(np.int32),
        support=support,
        query=query,
        class_names=tuple(index.class_names),
        dropped=dropped,
    )


def _compose(pools: Sequence[ClassPool], capacity: Ints, spec: EpisodeSpec, episodes: Ints) -> Composition:
    """Draws the classes of each episode, in order, and sets how many images each gives."""
    numbers = np.array([pool.number for pool in pools])
    ways = draw_ways(spec.seed, episodes, len(pools)) if spec.variable else None
    width = int(ways.max()) if ways is not None else len(pools) if spec.ways == "all" else spec.ways
    places = smallest(random_keys(spec.seed, CLASSES, episodes[:, None], numbers)[0], width).astype(np.int64)
    if ways is not None:
        places[np.arange(width) >= ways[:, None]] = -1
        shots, queries = draw_counts(spec.seed, episodes, places, pools, capacity)
        return Composition(places, shots, queries, queries)
    support = np.array([len(pool.support) for pool in pools])[places]
    query = np.array([len(pool.query) for pool in pools])[places]
    shots = support if spec.shots == "all" else np.full_like(places, spec.shots)
    if spec.queries == "all":
        return Composition(places, shots, np.ones_like(places), query)
    wanted = np.full_like(places, spec.queries)
    return Composition(places, shots, wanted, wanted)


def _draw(
    pools: Sequence[ClassPool], asked: Composition, spec: EpisodeSpec, episodes: Ints
) -> tuple[Ints, Ints]:
    """Returns support [B, N, K] and query [B, N, Q] rows of a chunk of episodes."""
    support = np.full((*asked.places.shape, int(asked.shots.max())), -1, dtype=np.int64)
    query = np.full((*asked.places.shape, int(asked.queries.max())), -1, dtype=np.int64)
    pending = np.arange(len(episodes))
    for attempt in range(ATTEMPTS):
        failed = np.full(len(episodes), -1)
        chosen = asked[pending]
        for place, slots in _slots(chosen.places):
            row, column = np.divmod(slots, chosen.places.shape[1])
            request = ClassCounts(
                shots=chosen.shots[row, column],
                needed=chosen.needed[row, column],
                queries=chosen.queries[row, column],
                exact=not spec.variable,
            )
            here = pending[row]
            images = draw_class(pools[place], request, spec.seed, episodes[here], attempt)
            support[here, column, : images[0].shape[1]] = images[0]
            query[here, column, : images[1].shape[1]] = images[1]
            failed[here[~images[2]]] = place
        pending = np.flatnonzero(failed >= 0)
        if not pending.size:
            return support, query
    raise FsbenchError(
        f"episode {episodes[pending[0]]} could not be drawn in {ATTEMPTS} attempts without a group on both "
        f"sides (see class {pools[failed[pending[0]]].describe()}); ask for fewer ways, shots or queries."
    )


def _slots(places: Ints) -> Iterator[tuple[int, Ints]]:
    """Yields each class that occurs, and the flat slots in which it does."""
    flat = places.reshape(-1)
    order = np.argsort(flat, kind="stable")
    occurring, starts = np.unique(flat[order], return_index=True)
    for place, slots in zip(occurring, np.split(order, starts[1:]), strict=True):
        if place >= 0:
            yield int(place), slots


def _stack(arrays: Sequence[Ints]) -> Ints:
    """Returns chunks of episodes as one array, padded with −1 to the widest that is used."""
    widths = [max(_used(array, axis) for array in arrays) for axis in range(1, arrays[0].ndim)]
    padded = []
    for array in arrays:
        part = array[tuple(slice(width) for width in (len(array), *widths))]
        missing = [(0, 0), *((0, width - size) for width, size in zip(widths, part.shape[1:], strict=True))]
        padded.append(np.pad(part, missing, constant_values=-1))
    return np.concatenate(padded)


def _used(array: Ints, axis: int) -> int:
    """Returns the width of an axis without trailing padding."""
    others = tuple(other for other in range(array.ndim) if other != axis)
    return int(np.flatnonzero((array >= 0).any(axis=others)).max(initial=-1)) + 1
