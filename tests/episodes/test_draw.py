"""The rule of ``draw``, against trying every subset in lexicographic order."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fewshot_bench.episodes import draw
from fewshot_bench.episodes.draw import ClassCounts, draw_class, search
from fewshot_bench.episodes.pools import class_pools
from fewshot_bench.episodes.rng import IMAGES, random_keys


def first_subset(excluded, shots, needed):
    for chosen in combinations(range(len(excluded)), shots):
        if (~excluded[list(chosen)].any(axis=0)).sum() >= needed:
            return list(chosen)
    return None


@given(st.integers(1, 7), st.integers(1, 7), st.integers(1, 4), st.integers(1, 4), st.integers(0, 10**6))
def test_search_finds_the_first_subset(images, queries, shots, needed, seed):
    excluded = np.random.default_rng(seed).random((images, queries)) < 0.3
    assert search(excluded, np.ones(queries, dtype=bool), shots, needed) == first_subset(
        excluded, shots, needed
    )


def test_search_gives_up_where_it_was_told_to(monkeypatch):
    excluded = np.eye(10, dtype=bool)
    assert search(excluded, np.ones(10, dtype=bool), 5, 5) == [0, 1, 2, 3, 4]
    monkeypatch.setattr(draw, "SEARCH_NODES", 4)
    assert search(excluded, np.ones(10, dtype=bool), 5, 5) is None


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 3), min_size=3, max_size=8),
    st.booleans(),
    st.integers(0, 2),
    st.integers(1, 3),
    st.integers(1, 3),
)
def test_support_is_the_first_subset_in_key_order_that_leaves_enough(
    make_index, bits, grouped, guard, shots, needed
):
    size = len(bits)
    groups = np.arange(size) // 2 if grouped else None
    pool = class_pools(make_index([size], pools=bits, groups=groups, guards=[guard]))[0]
    asked = (np.full(4, number) for number in (shots, needed, needed))
    episodes = np.arange(4)
    support, query, drawn = draw_class(pool, ClassCounts(*asked), 7, episodes)
    keys, _ = random_keys(7, IMAGES, episodes[:, None], pool.rows)
    for episode in episodes:
        order = np.argsort(keys[episode][pool.support])
        expected = first_subset(pool.excluded(order), shots, needed)
        assert drawn[episode] == (expected is not None)
        if expected is not None:
            assert support[episode].tolist() == pool.rows[pool.support[order[expected]]].tolist()
            assert (query[episode] >= 0).all()


@pytest.mark.parametrize(("guard", "simple"), [(0, True), (1, True), (2, False)])
def test_a_guard_of_one_position_excludes_the_image_alone(make_index, guard, simple):
    assert class_pools(make_index([5], guards=[guard]))[0].simple == simple
