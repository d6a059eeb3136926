"""Meta-Dataset's composition, against the formulas of the paper written as a loop over classes."""

import math

import numpy as np
import pytest
from scipy.stats import chisquare

from fewshot_bench.episodes import EpisodeSpec, sample
from fewshot_bench.episodes.pools import class_pools
from fewshot_bench.episodes.rng import SIZE, WEIGHTS, random_keys, uniform
from fewshot_bench.episodes.variable import draw_counts, query_capacity
from fewshot_bench.errors import UsageError

SPEC = EpisodeSpec("all", "all", "all", 400, 3, variable=True)
SIZES = [12, 30, 7, 200, 55, 21, 90, 16, 40, 3]


def paper(seed, episode, classes, sizes):
    """Shots of each class and the common number of queries (Triantafillou et al. 2020)."""
    q = min(10, min(math.floor(0.5 * sizes[c]) for c in classes))
    beta = 1 - uniform(random_keys(seed, SIZE, episode, 0)[0])
    size = min(500, sum(math.ceil(beta * min(100, sizes[c] - q)) for c in classes))
    low, high = math.log(0.5), math.log(2)
    alpha = [low + (high - low) * uniform(random_keys(seed, WEIGHTS, episode, c)[0]) for c in classes]
    weight = [math.exp(a) * sizes[c] for a, c in zip(alpha, classes, strict=True)]
    share = [w / sum(weight) for w in weight]
    return [
        min(math.floor(r * (size - len(classes))) + 1, sizes[c] - q)
        for r, c in zip(share, classes, strict=True)
    ], q


def test_counts_are_those_of_the_paper(make_index):
    episodes = sample(make_index(SIZES), SPEC)
    for number in range(len(episodes)):
        classes = [c for c in episodes.classes[number].tolist() if c >= 0]
        shots, q = paper(SPEC.seed, number, classes, SIZES)
        assert (episodes.support[number] >= 0).sum(axis=1)[: len(classes)].tolist() == shots
        assert (episodes.query[number] >= 0).sum(axis=1)[: len(classes)].tolist() == [q] * len(classes)
        assert (episodes.support[number, len(classes) :] == -1).all()


def test_ways_are_uniform_from_five_to_all(make_index):
    ways = (sample(make_index(SIZES), SPEC).classes >= 0).sum(axis=1)
    assert ways.min() == 5 and ways.max() == 10
    assert chisquare(np.bincount(ways)[5:]).pvalue > 1e-3


def test_at_most_fifty_ways_and_five_hundred_support_images(make_index):
    episodes = sample(make_index([120] * 60), SPEC)
    assert (episodes.classes >= 0).sum(axis=1).max() == 50
    assert (episodes.support >= 0).sum(axis=(1, 2)).max() <= 500


def test_two_pools_give_all_their_support(make_index):
    index = make_index([30] * 5, pools=([1] * 20 + [2] * 10) * 5)
    pools = class_pools(index)
    capacity = np.array([query_capacity(pool) for pool in pools])
    shots, queries = draw_counts(0, np.arange(50), np.tile(np.arange(5), (50, 1)), pools, capacity)
    assert (capacity == 10).all() and (queries == 10).all()
    assert shots.min() >= 1 and shots.max() <= 20


def test_groups_and_guards_are_kept(make_index):
    index = make_index([20] * 6, groups=np.arange(120) // 4, guards=[0, 2, 3, 0, 5, 0])
    episodes = sample(index, SPEC)
    assert (episodes.classes >= 0).sum(axis=1).min() == 5
    for support, query in zip(episodes.support, episodes.query, strict=True):
        s, q = support[support >= 0], query[query >= 0]
        assert not set(index.groups[s]) & set(index.groups[q])


def test_too_few_classes_and_too_small_ones_are_named(make_index):
    with pytest.raises(UsageError, match="toy has 4 classes, and 5 or more ways were asked for"):
        sample(make_index([9] * 4), SPEC)
    with pytest.raises(
        UsageError, match="1 of 6 classes of toy cannot give a support and a query image: 'class-5'"
    ):
        sample(make_index([9] * 5 + [1]), SPEC)
