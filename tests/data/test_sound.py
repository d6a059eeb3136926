"""An ImageIndex that does not fit together is refused, with the first value that does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fewshot_bench.data.index import ImageIndex
from fewshot_bench.data.split_names import class_split
from fewshot_bench.errors import FsbenchError, UsageError


def parts(**changes: Any) -> dict[str, Any]:
    return {
        "name": "shop",
        "variant": "default",
        "paths": ("a/1.png", "a/2.png", "b/1.png"),
        "labels": np.array([0, 0, 1]),
        "class_names": ("a", "b"),
        "class_splits": ("all", "all"),
        "pools": np.array([3, 3, 3]),
        "groups": np.arange(3),
        "positions": np.zeros(3, int),
        "guards": np.zeros(2, int),
        "digests": np.arange(1, 97, dtype=np.uint8).reshape(3, 32),
        "reader": lambda row: None,
    } | changes


def test_arrays_of_other_integer_types_become_those_that_are_documented() -> None:
    index = ImageIndex(**parts(labels=[0, 0, 1], paths=["a/1.png", "a/2.png", "b/1.png"]))
    kinds = {name: getattr(index, name).dtype.name for name in ("labels", "pools", "groups", "guards")}
    assert kinds == {"labels": "int32", "pools": "uint8", "groups": "int64", "guards": "int64"}
    assert isinstance(index.paths, tuple)


def test_splits_have_one_name() -> None:
    index = ImageIndex(**parts(class_splits=("train", "Test")))
    assert index.class_splits == ("base", "novel")
    assert index.fingerprint == ImageIndex(**parts(class_splits=("base", "novel"))).fingerprint


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": [0, 0, 2]}, r"labels\[2\] = 2: give whole numbers from 0 to 1"),
        ({"labels": [0, -1, 1]}, r"labels\[1\] = -1"),
        ({"labels": [0, 1]}, r"labels of shape \(2,\) for 3 pictures: give one a picture"),
        ({"labels": [0.0, 0.0, 1.0]}, "labels of type float64: give whole numbers"),
        ({"labels": [0, 0, 0]}, "no picture of the class 'b': leave it out"),
        ({"paths": ("a/1.png", "b/1.png", "b/1.png")}, r"paths\[2\] = 'b/1.png', which is paths\[1\] as well"),
        ({"paths": ("a", "b", 3)}, r"paths\[2\] = 3: give a text"),
        ({"paths": "abc"}, "paths 'abc', a text: give a sequence"),
        ({"paths": ("a", "b\nc", "d")}, r"paths\[1\] = 'b\\x0ac', with a control character"),
        ({"class_names": ("a", "a")}, r"class_names\[1\] = 'a', which is class_names\[0\] as well"),
        ({"class_names": ("a", "")}, r"class_names\[1\] = '': give a text that is not empty"),
        ({"class_names": ("a", "\x1b[31mb")}, r"class_names\[1\] = '\\x1b\[31mb', with a control character"),
        ({"class_splits": ("all",)}, "1 class_splits for 2 classes: give one a class"),
        ({"class_splits": ("all", "fold1")}, "a split in class_splits is 'fold1': write base .train, "),
        ({"pools": [3, 3, 4]}, r"pools\[2\] = 4: give whole numbers from 0 to 3"),
        ({"pools": [True, True, True]}, "pools of type bool"),
        ({"groups": [0, 1]}, r"groups of shape \(2,\) for 3 pictures"),
        ({"groups": [0, -1, 2]}, r"groups\[1\] = -1"),
        ({"guards": [0]}, r"guards of shape \(1,\) for 2 classes: give one a class"),
        ({"guards": [0, -2]}, r"guards\[1\] = -2"),
        ({"positions": ["a", "b", "c"]}, "positions of type <U1"),
        ({"digests": np.ones((3, 31), np.uint8)}, r"digests of type uint8 and shape \(3, 31\) for 3 pictures"),
        ({"digests": np.ones((3, 32))}, "digests of type float64"),
        ({"digests": np.zeros((3, 32), np.uint8)}, "a digest of zeros for 'a/1.png'"),
        ({"test": np.array([True, False])}, r"test of type bool and shape \(2,\): give bool \[3\]"),
        ({"reader": None}, "the reader None: give a function"),
        ({"name": ""}, r"name\[0\] = ''"),
        ({"variant": "x\r"}, r"variant\[0\] = 'x\\x0d', with a control character"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_the_first_offender(changes: dict[str, Any], message: str) -> None:
    ImageIndex(**parts())
    with pytest.raises(FsbenchError, match=message) as caught:
        ImageIndex(**parts(**changes))
    assert "\n" not in str(caught.value) and "\x1b" not in str(caught.value)


def test_a_changed_copy_is_checked_too() -> None:
    with pytest.raises(FsbenchError, match=r"labels\[0\] = 9"):
        replace(ImageIndex(**parts()), labels=np.array([9, 0, 1]))


@pytest.mark.parametrize(
    ("name", "split"),
    [("train", "base"), ("VAL", "validation"), ("meta_test", "novel"), ("novel", "novel"), ("", "all")],
)
def test_names_of_splits(name: str, split: str) -> None:
    assert class_split(name) == split


def test_an_unknown_split_is_a_sentence_with_those_known() -> None:
    with pytest.raises(
        UsageError, match=r"'holdout': write base \(train, .*\); validation \(val, .*\); novel \(test"
    ):
        class_split("holdout")
