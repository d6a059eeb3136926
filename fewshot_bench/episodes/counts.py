"""Whether episodes have the counts that their spec states, and whether each asks something of its own."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.episodes.eligible import eligible_pools
from fewshot_bench.episodes.episode_set import EpisodeSet
from fewshot_bench.episodes.pools import ClassPool, ImageArrays
from fewshot_bench.episodes.variable import MAX_QUERIES, MAX_SUPPORT, MAX_WAYS, MIN_WAYS
from fewshot_bench.errors import FsbenchError

Ints = NDArray[np.int64]


def check_counts(episodes: EpisodeSet, index: ImageArrays, where: str) -> None:
    """Raises FsbenchError where the number of episodes, ways, shots or queries is not what the spec says.

    Every image is taken to be of its class and of the pool of its side, and to stand once in an episode. "All" means
    every image that may stand there; where groups span classes, it means at least one. Where a sampler of one's own
    drew them, the counts of the spec are limits (``own.py``).
    """
    spec = episodes.spec
    if len(episodes) != spec.episodes:
        raise FsbenchError(f"{where} states {spec.episodes} episodes and holds {len(episodes)}.")
    if spec.sampler:
        _check_limits(episodes, index, where)
        return
    pools, dropped = eligible_pools(index, spec)
    if episodes.dropped != dropped:
        raise FsbenchError(
            f"{where} leaves out {_named(episodes.dropped)} as too small, and by its spec {index.name} leaves out "
            f"{_named(dropped)}."
        )
    small = {name for name, *_ in dropped}
    outside = np.array([name in small for name in index.class_names])
    if (used := outside[episodes.classes.clip(min=0)] & (episodes.classes >= 0)).any():
        number = int(episodes.classes[used][0])
        raise FsbenchError(
            f"{where} uses the class {index.class_names[number]!r} and states that it is too small."
        )
    ways = (episodes.classes >= 0).sum(axis=1)
    shots, queries = (episodes.support >= 0).sum(axis=2), (episodes.query >= 0).sum(axis=2)
    present = episodes.classes >= 0
    if spec.variable:
        most = min(MAX_WAYS, len(pools))
        _within(where, "classes", ways, MIN_WAYS, most)
        _within(where, "query images of a class", queries, 1, MAX_QUERIES, present)
        _within(where, "support images", shots.sum(axis=1), 1, MAX_SUPPORT)
        return
    n = len(pools) if spec.ways == "all" else spec.ways
    _within(where, "classes", ways, n, n)
    for name, asked, counts in (("support", spec.shots, shots), ("query", spec.queries, queries)):
        low, high = (1, len(index.labels)) if asked == "all" else (asked, asked)
        _within(where, f"{name} images of a class", counts, low, high, present)
    if "all" in (spec.shots, spec.queries):
        order = np.argsort(episodes.classes, axis=None, kind="stable")
        bounds = np.searchsorted(episodes.classes.ravel()[order], [pool.number for pool in pools], "left")
        ends = np.searchsorted(episodes.classes.ravel()[order], [pool.number for pool in pools], "right")
        for pool, start, end in zip(pools, bounds, ends, strict=True):
            if start < end:
                slots = order[start:end]
                _check_all(
                    episodes, pool, slots, where, support=spec.shots == "all", query=spec.queries == "all"
                )


def _check_limits(episodes: EpisodeSet, index: ImageArrays, where: str) -> None:
    """Checks the counts of a sampler of one's own, for which those of the spec are limits."""
    spec = episodes.spec
    if episodes.dropped:
        raise FsbenchError(
            f"{where} leaves out {_named(episodes.dropped)} as too small, and no sampler does."
        )
    present = episodes.classes >= 0
    shots, queries = (episodes.support >= 0).sum(axis=2), (episodes.query >= 0).sum(axis=2)
    ways, most = len(index.class_names), len(index.labels)
    limit = ways if spec.ways == "all" else spec.ways
    if spec.open_set:
        unknown = present & (shots == 0)
        _within(where, "classes without support", unknown.sum(axis=1), 1, limit)
        _within(where, "query images of a class without support", queries, 1, most, unknown)
        present &= ~unknown
    _within(where, "classes", present.sum(axis=1), 2, limit)
    for name, asked, counts, least in (
        ("support", spec.shots, shots, 1),
        ("query", spec.queries, queries, 0),
    ):
        high = most if asked == "all" else asked
        _within(where, f"{name} images of a class", counts, least, high, present)
    _within(where, "query images", queries.sum(axis=1), 1, most)


def repeated(episodes: EpisodeSet) -> tuple[int, int] | None:
    """Returns the numbers of the first two episodes with the same support and the same queries, or None."""
    seen: dict[bytes, int] = {}
    for number, sides in enumerate(zip(episodes.support, episodes.query, strict=True)):
        rows = b"|".join(np.sort(side, axis=None).tobytes() for side in sides)
        first = seen.setdefault(hashlib.blake2b(rows, digest_size=16).digest(), number)
        if first != number:
            return first, number
    return None


def _named(dropped: tuple[tuple[str, int, int], ...]) -> str:
    if not dropped:
        return "no class"
    name, support, query = dropped[0]
    return f"{len(dropped)} classes ({name!r} with {support} support and {query} query images first)"


def _within(
    where: str, what: str, counts: Ints, low: int, high: int, present: NDArray[np.bool_] | None = None
) -> None:
    wrong = (counts < low) | (counts > high)
    if present is not None:
        wrong &= present
    if not wrong.any():
        return
    place = np.unravel_index(int(wrong.argmax()), wrong.shape)
    stated = str(low) if low == high else f"{low} to {high}"
    raise FsbenchError(
        f"{where} has {int(counts[place])} {what} in episode {int(place[0])}, and its spec says {stated}."
    )


def _check_all(
    episodes: EpisodeSet, pool: ClassPool, slots: Ints, where: str, *, support: bool, query: bool
) -> None:
    """Checks that all of one class are there, in its slots (episode · ways + place)."""
    number, slot = np.divmod(slots, episodes.classes.shape[1])
    rows = episodes.support[number, slot]
    given = {"support": (rows >= 0).sum(axis=1), "query": (episodes.query[number, slot] >= 0).sum(axis=1)}
    wanted: dict[str, Ints] = {}
    if support:
        wanted["support"] = np.full(len(number), len(pool.support))
    if query and not pool.spanning:
        wanted["query"] = len(pool.query) - _excluded(pool, rows)
    for side, count in wanted.items():
        if (short := given[side] != count).any():
            first = int(short.argmax())
            raise FsbenchError(
                f"{where} has {int(given[side][first])} {side} images of class {pool.name!r} in episode "
                f"{int(number[first])}, and its spec says all, which are {int(count[first])}."
            )


def _excluded(pool: ClassPool, rows: Ints) -> Ints:
    """Returns how many query images the support ``rows`` [B, K] of each episode exclude, [B]."""
    ordered = np.argsort(pool.rows[pool.support])
    place = ordered[
        np.searchsorted(pool.rows[pool.support], rows.clip(min=0), sorter=ordered).clip(max=len(ordered) - 1)
    ]
    if pool.simple:
        return np.asarray(((pool.twin[place] >= 0) & (rows >= 0)).sum(axis=1))
    excluded = pool.excluded(np.arange(len(pool.support)))
    found = np.zeros((len(rows), len(pool.query)), dtype=bool)
    for shot in range(rows.shape[1]):
        found |= excluded[place[:, shot]] & (rows[:, shot, None] >= 0)
    return np.asarray(found.sum(axis=1))
