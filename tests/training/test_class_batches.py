"""Class batches: P classes with K pictures each, the same for the same number whatever ran before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import fewshot_bench as fb
from fewshot_bench.errors import UsageError
from fewshot_bench.training.class_batches import ClassBatches


def prepare(image):
    return np.asarray(image.resize((8, 8)), dtype=np.uint8).transpose(2, 0, 1)


@pytest.fixture(scope="module")
def digits():
    return fb.dataset("digits")


def test_a_batch_is_so_many_pictures_of_so_many_classes(digits):
    batches = ClassBatches(digits, classes=4, pictures=3).open(prepare, seed=1, steps=5)
    batch = batches.batch(2, 3)
    assert batches.images == 12 == len(batch.images) and batch.images.shape[1:] == (3, 8, 8)
    labels = batch.labels.reshape(4, 3)
    assert (labels == labels[:, :1]).all() and len(set(labels[:, 0])) == 4
    rows = batches.rows(np.random.default_rng([1, 2, 3]))
    assert len(set(rows)) == 12 and (digits.labels[rows] == batch.labels).all()
    np.testing.assert_array_equal(batch.images[5], prepare(digits.reader(int(rows[5]))))


def test_batches_are_functions_of_seed_epoch_and_number(digits):
    data = ClassBatches(digits, classes=3, pictures=2)
    first, second = data.open(prepare, 1, 5), data.open(prepare, 1, 5)
    second.batch(0, 0)
    np.testing.assert_array_equal(first.batch(1, 4).images, second.batch(1, 4).images)
    others = [data.open(prepare, 2, 5).batch(1, 4), first.batch(1, 3), first.batch(0, 4)]
    assert all((other.images != first.batch(1, 4).images).any() for other in others)


def test_every_class_with_enough_pictures_is_drawn_and_no_other(digits):
    kept = np.concatenate([np.flatnonzero(digits.labels == c)[: 2 if c == 3 else 9] for c in range(10)])
    arrays = ("labels", "pools", "groups", "positions", "digests")
    small = replace(
        digits,
        paths=tuple(digits.paths[row] for row in kept),
        reader=lambda row: digits.reader(int(kept[row])),
        **{name: getattr(digits, name)[kept] for name in arrays},
    )
    batches = ClassBatches(small, classes=4, pictures=3).open(prepare, 0, 30)
    seen = {int(label) for number in range(30) for label in batches.batch(0, number).labels}
    assert seen == set(range(10)) - {3}


@pytest.mark.parametrize(("classes", "pictures"), [(11, 2), (2, 1000), (0, 2)])
def test_impossible_batches_are_a_sentence(digits, classes, pictures):
    with pytest.raises(UsageError, match=r"digits has \d+ base classes with so many; ask for less"):
        ClassBatches(digits, classes, pictures).open(prepare, 0, 1)
