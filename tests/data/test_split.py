"""Train and test: about a fifth of each class, groups whole, the published split where there is one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fewshot_bench as fb
from fewshot_bench.data.index import BOTH, QUERY, SUPPORT
from fewshot_bench.data.split import stratified, train_test


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), min_size=1, max_size=80),
    st.integers(0, 2**32),
)
def test_groups_stay_whole_and_no_class_of_several_groups_is_left_without_either(images, seed):
    labels, groups = np.array(images).T
    test = stratified(labels, groups, seed)
    for group in set(groups):
        assert len(set(test[groups == group])) == 1
    own = {g: labels[groups == g][0] for g in set(groups)}
    for label in set(own.values()):
        mine = [test[groups == g][0] for g, owner in own.items() if owner == label]
        assert len(mine) == 1 or (any(mine) and not all(mine))
    assert np.array_equal(test, stratified(labels, groups, seed))


@given(st.lists(st.integers(2, 60), min_size=1, max_size=8), st.integers(0, 99))
def test_single_pictures_are_split_four_to_one(sizes, seed):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    test = stratified(labels, np.arange(len(labels)), seed)
    for label, size in enumerate(sizes):
        assert test[labels == label].sum() == max(1, round(0.2 * size))


def test_another_seed_is_another_split_and_the_published_one_needs_none():
    digits = fb.dataset("digits")
    first, second = train_test(digits, 0), train_test(digits, 1)
    assert first.fingerprint != second.fingerprint != digits.fingerprint
    assert (first.pools == QUERY).mean() == pytest.approx(0.2, abs=0.01)
    published = np.arange(len(digits)) % 7 == 0
    split = train_test(replace(digits, test=published), 3)
    assert np.array_equal(split.pools == QUERY, published)
    assert "as published" in split.notes[-1]
    apart = replace(digits, pools=np.where(published, QUERY, SUPPORT).astype(np.uint8))
    assert np.array_equal(train_test(apart, 3).pools, apart.pools)
    assert (digits.pools == BOTH).all() and "drawn from seed 1" in second.notes[-1]
