"""Exposure: pairs that may meet, and the chance that a query meets its near-duplicate, against drawn episodes."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from fewshot_bench.audit.alike import Alike
from fewshot_bench.audit.exposure import admissible, exposure, overlap, possible_pairs, share_facing
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.episodes import EpisodeSpec, sample


def random_index(
    seed: int, count: int = 60, classes: int = 4, *, groups: int = 40, guard: int = 3
) -> ImageIndex:
    """Random pools, groups of one class and positions; half the classes have a guard."""
    rng = np.random.default_rng(seed)
    labels = np.sort(np.arange(count) % classes).astype(np.int32)
    return ImageIndex(
        name="made",
        variant="default",
        paths=tuple(map(str, range(count))),
        labels=labels,
        class_names=tuple(map(str, range(classes))),
        class_splits=("all",) * classes,
        pools=rng.integers(1, 4, count).astype(np.uint8),
        groups=labels * groups + rng.integers(0, groups, count),
        positions=rng.permutation(count).astype(np.int64),
        guards=np.arange(classes, dtype=np.int64) % 2 * guard,
        digests=rng.integers(0, 256, (count, 32), dtype=np.uint8),
        reader=lambda row: Image.new("RGB", (8, 8)),
    )


def random_pairs(seed: int, count: int, pairs: int) -> Alike:
    """Pairs in both directions, some of them copies."""
    rng = np.random.default_rng(seed)
    found = np.unique([sorted(rng.choice(count, 2, replace=False)) for _ in range(pairs)], axis=0)
    values = rng.choice([0.5, 0.99], len(found))
    both = np.concatenate([found, found[:, ::-1]])
    return Alike(count, both[:, 0], both[:, 1], np.concatenate([values, values]), len(both))


def apart(index: ImageIndex, query: int, support: int) -> bool:
    """The contract of groups and guards, one pair at a time."""
    same_group = index.groups[query] == index.groups[support]
    guard = index.guards[index.labels[query]]
    near = index.labels[query] == index.labels[support] and guard > 0
    return bool(same_group or (near and abs(index.positions[query] - index.positions[support]) < guard))


@pytest.mark.parametrize("seed", range(5))
def test_pairs_that_may_meet_are_counted_at_the_query(seed: int) -> None:
    index, part = random_index(seed), random_pairs(seed, 60, 400)
    found = exposure(index, np.arange(60), [part], max_candidates=10**9)
    counts = np.zeros((2, 2, 60), dtype=int)
    for a, b, value in zip(part.rows, part.others, part.likeness, strict=True):
        if index.pools[a] & 2 and index.pools[b] & 1 and not apart(index, a, b):
            foreign = int(index.labels[a] != index.labels[b])
            counts[foreign, 0, a] += 1
            counts[foreign, 1, a] += value >= 0.98
    assert counts[0, 1].any() and counts[1, 0].any()
    for seen, expected in ((found.own, counts[0]), (found.foreign, counts[1])):
        assert np.array_equal(seen.look_alikes.counts, expected[0])
        assert np.array_equal(seen.copies.counts, expected[1])
        assert len({row for pair in seen.look_alikes.examples for row in pair}) == 6
    slow = [
        sum(
            int(index.pools[s] & 1 > 0)
            for s in range(60)
            if index.labels[s] == index.labels[q] and not apart(index, q, s)
        )
        for q in range(60)
    ]
    assert admissible(index, np.arange(60)) == slow


@pytest.mark.parametrize("shots", [1, 2])
def test_the_share_that_meets_it_is_that_of_drawn_episodes(shots: int) -> None:
    index = random_index(0, 80, 4, groups=10**6, guard=0)
    index.pools[:] = 3
    part = random_pairs(1, 80, 300)
    found = exposure(index, np.arange(80), [part], max_candidates=10**9)
    expected = share_facing(index, found.own.look_alikes.counts, np.arange(80), shots)
    near = {(int(a), int(b)) for a, b in zip(part.rows, part.others, strict=True)}
    drawn = sample(index, EpisodeSpec(4, shots, 5, episodes=2000, seed=0))
    met = [
        any((int(q), int(s)) in near for s in support)
        for episode in range(len(drawn))
        for support, query in zip(drawn.support[episode], drawn.query[episode], strict=True)
        for q in query
    ]
    assert 0.05 < expected < 0.5
    assert np.mean(met) == pytest.approx(expected, abs=0.01)
    every = share_facing(index, found.own.look_alikes.counts, np.arange(80), "all")
    assert every == np.mean(found.own.look_alikes.counts > 0)


def test_nothing_found_is_nothing_met() -> None:
    index = random_index(2)
    assert share_facing(index, np.zeros(60, dtype=np.int64), np.arange(60), 1) == 0


def test_possible_pairs_are_counted() -> None:
    index = random_index(3)
    queries, support = (np.flatnonzero(index.pools & bit > 0) for bit in (2, 1))
    same = index.labels[queries][:, None] == index.labels[support]
    assert possible_pairs(index, np.arange(60)) == (same.sum(), (~same).sum())


def test_a_search_with_too_many_candidates_is_given_up() -> None:
    index = random_index(4)
    empty = np.zeros(0, dtype=np.int64)
    parts = [Alike(done, empty, empty, np.zeros(0), 100) for done in (20, 40, 60)]
    assert len(exposure(index, np.arange(60), parts, max_candidates=150).done) == 40
    assert len(overlap(60, np.arange(60), parts, max_candidates=150)[1]) == 40
    assert len(exposure(index, np.arange(60), parts, max_candidates=500).done) == 60
