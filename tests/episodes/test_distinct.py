from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fewshot_bench.episodes import EpisodeSpec, distinct_supports, sample
from fewshot_bench.episodes.distinct import CAP
from fewshot_bench.errors import UsageError


def counted(index, shots, needed):
    """Support sets of each class, by listing them."""
    found = []
    for number in range(len(index.class_names)):
        rows = np.flatnonzero(index.labels == number)
        query = set(rows[index.pools[rows] & 2 > 0].tolist())
        sets = combinations(rows[index.pools[rows] & 1 > 0].tolist(), shots)
        found.append(sum(len(query - set(chosen)) >= needed for chosen in sets))
    return found


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=6), min_size=2, max_size=4), st.data())
def test_equals_a_listing(make_index, pools, data):
    shots, needed = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
    index = make_index([len(p) for p in pools], pools=[bits for p in pools for bits in p])
    each = counted(index, shots, needed)
    spec = EpisodeSpec(2, shots, needed, 1, 0)
    if 0 in each:
        with pytest.raises(UsageError, match="cannot give"):
            distinct_supports(index, spec)
        return
    assert distinct_supports(index, spec) == sum(a * b for a, b in combinations(each, 2))
    assert distinct_supports(index, EpisodeSpec("all", shots, needed, 1, 0)) == np.prod(each)


def test_one_iconic_image_a_class_is_one_support_set(make_index):
    index = make_index([3, 4, 5], pools=[1, 2, 2, 1, 2, 2, 2, 1, 2, 2, 2, 2])
    assert distinct_supports(index, EpisodeSpec("all", 1, "all", 1, 0)) == 1
    assert distinct_supports(index, EpisodeSpec("all", "all", "all", 1, 0)) == 1
    assert distinct_supports(index, EpisodeSpec(2, 1, "all", 1, 0)) == 3


def test_one_shot_with_groups_and_guards_is_exact(make_index):
    index = make_index([6, 6], groups=[0, 0, 0, 0, 1, 2, 3, 3, 4, 4, 5, 5], guards=[0, 3])
    spec = EpisodeSpec("all", 1, 3, 3_000, 0)
    drawn = sample(index, spec)
    seen = {tuple(sorted(rows)) for rows in drawn.support[:, :, 0].tolist()}
    assert distinct_supports(index, spec) == len(seen)
    assert seen == set(
        product(*({row for pair in seen for row in pair if (row < 6) == side} for side in (True, False)))
    )


@pytest.mark.slow
def test_ten_thousand_classes_take_no_time(make_index):
    assert distinct_supports(make_index([2] * 10_000), EpisodeSpec("all", 1, 1, 1, 0)) == CAP


def test_is_capped(make_index):
    assert distinct_supports(make_index([20] * 40), EpisodeSpec("all", 5, 5, 1, 0)) == CAP
    assert (
        distinct_supports(make_index([20] * 8), EpisodeSpec("all", "all", "all", 1, 0, variable=True)) == CAP
    )
