"""Held-out references, against loops that say what is meant."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fewshot_bench.data.index import ImageIndex
from fewshot_bench.prediction.leave_out import known, support_of, unknown


@st.composite
def shops(draw):
    """An index of some classes, contents that repeat within a class (one group) and across classes."""
    counts = draw(st.lists(st.integers(1, 5), min_size=2, max_size=6))
    labels = np.array(
        draw(st.permutations(np.repeat(np.arange(len(counts)), counts).tolist())), dtype=np.int32
    )
    content = np.array(draw(st.lists(st.integers(0, 6), min_size=len(labels), max_size=len(labels))))
    return shop(labels, content)


def shop(labels, content):
    labels = np.asarray(labels, dtype=np.int32)
    groups = np.unique(labels * 1000 + content, return_inverse=True)[1].astype(np.int64)
    many, classes = len(labels), int(labels.max()) + 1
    return ImageIndex(
        name="shop",
        variant="default",
        paths=tuple(map(str, range(many))),
        labels=labels,
        class_names=tuple(map(str, range(classes))),
        class_splits=("all",) * classes,
        pools=np.full(many, 3, np.uint8),
        groups=groups,
        positions=np.zeros(many, np.int64),
        guards=np.zeros(classes, np.int64),
        digests=np.repeat(1 + content[:, None], 32, axis=1).astype(np.uint8),
        reader=lambda row: None,
    )


def rng(seed):
    return np.random.default_rng(seed)


def parts(held):
    return [np.flatnonzero(held.fold == f) for f in np.unique(held.fold[held.fold >= 0])]


@given(shops(), st.data())
def test_support_is_all_rows_of_each_class_that_has_one(index, data):
    rows = np.array(data.draw(st.lists(st.integers(0, len(index) - 1), unique=True)), dtype=np.int64)
    support = support_of(index.labels, rows)
    assert [[row for row in shots if row >= 0] for shots in support] == [
        [row for row in rows if index.labels[row] == c] for c in np.unique(index.labels[rows])
    ]
    assert (np.diff((support >= 0).astype(int), axis=1) <= 0).all()


@given(shops(), st.integers(0, 2**32))
def test_known_every_class_keeps_a_picture_and_no_group_is_parted(index, seed):
    held = known(index, rng(seed))
    for row in range(len(index)):
        others = index.groups[index.labels == index.labels[row]] != index.groups[row]
        assert (held.fold[row] >= 0) == held.asked[row] == others.any()
    for out in parts(held):
        left = np.setdiff1d(np.arange(len(index)), out)
        assert set(index.labels[left]) == set(index.labels)
        assert not set(index.groups[left]) & set(index.groups[out])
        groups_of_class = np.unique(np.stack([index.labels[out], index.groups[out]]), axis=1)[0]
        assert len(groups_of_class) == len(set(groups_of_class))  # below ten groups: one of each class


def test_known_of_many_groups_a_tenth_at_a_time():
    index = shop(np.repeat([0, 1], [100, 3]), np.arange(103))
    held = known(index, rng(0))
    assert np.bincount(held.fold[:100]).tolist() == [10] * 10
    assert sorted(held.fold[100:]) == [0, 1, 2]
    assert held.fold[:100].tolist() != sorted(held.fold[:100])


@given(shops(), st.integers(0, 2**32))
def test_unknown_whole_classes_go_and_two_are_left(index, seed):
    held = unknown(index, rng(seed))
    if len(index.class_names) < 3:
        assert not held.asked.any() and (held.fold == -1).all()
        return
    for row in range(len(index)):
        same = (index.digests == index.digests[row]).all(axis=1)
        assert held.asked[row] == (len(set(index.labels[same])) == 1)
    for out in parts(held):
        left = np.setdiff1d(np.arange(len(index)), out)
        assert not set(index.labels[left]) & set(index.labels[out])
        assert len(set(index.labels[left])) >= 2
    assert (held.fold >= 0).all()


def test_unknown_of_many_classes_a_tenth_at_a_time():
    held = unknown(shop(np.arange(100), np.arange(100)), rng(0))
    assert np.bincount(held.fold).tolist() == [10] * 10
