"""Base data: validation classes apart, several sets as one, nothing evaluated among it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import fewshot_bench as fb
from fewshot_bench.engine import Request
from fewshot_bench.engine.base import base_data
from fewshot_bench.errors import FsbenchError
from fewshot_bench.training.base import BaseData, check_apart, concatenate, split_base


@pytest.fixture(scope="module")
def packshots():
    return fb.dataset("packshots")


@pytest.fixture(scope="module")
def digits():
    return fb.dataset("digits")


def test_published_splits_are_kept_and_others_are_made_by_class(packshots, digits):
    base, validation = split_base(packshots)
    assert set(base.class_splits) == {"base"} and set(validation.class_splits) == {"validation"}
    base, validation = split_base(digits)
    assert (len(base.class_names), len(validation.class_names)) == (8, 2)
    assert not set(base.class_names) & set(validation.class_names)
    with pytest.raises(FsbenchError, match="has 3 base classes and at least 10 are needed"):
        split_base(digits.take_classes(np.arange(3)))


def test_several_sets_read_as_one(packshots, digits):
    few = packshots.take_classes(np.arange(2))
    both = concatenate([few, digits], "both")
    assert len(both) == len(few) + len(digits) and both.synthetic
    for row, part, own in ((0, few, 0), (len(few) - 1, few, len(few) - 1), (len(few) + 5, digits, 5)):
        assert both.reader(row).tobytes() == part.reader(own).tobytes()
        assert both.digests[row].tobytes() == part.digests[own].tobytes()
    assert len(np.unique(both.labels)) == 12 and len(np.unique(both.paths)) == len(both)
    assert not set(both.groups[: len(few)].tolist()) & set(both.groups[len(few) :].tolist())


def test_novel_classes_are_never_among_the_unlabelled_pictures(packshots):
    request = Request("student-lr", "digits", unlabelled=("packshots",), train_dataset="digits")
    found = base_data(request, data_root=None, verify=False, progress=lambda *a, **k: None)
    assert "novel" not in found.unlabelled.class_splits and "base" in found.unlabelled.class_splits
    assert found.fingerprint != replace(found, unlabelled=found.train).fingerprint


def test_an_evaluated_picture_or_class_among_the_base_data_is_an_error(packshots, digits):
    base, validation = split_base(packshots)
    apart = BaseData("packshots", base, validation, base)
    check_apart(apart, packshots.only("novel"))
    with pytest.raises(FsbenchError, match="40 evaluated classes of packshots are validation classes"):
        check_apart(apart, validation)
    leak = BaseData("leak", base, validation, concatenate([base, digits], "unlabelled"))
    with pytest.raises(FsbenchError, match=r"of the unlabelled data \(unlabelled\) is evaluated as well"):
        check_apart(leak, digits)
