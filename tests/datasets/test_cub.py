"""CUB-200-2011 in its published layout, made small; its class split and its train/test split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fewshot_bench.datasets.cub import Cub
from fewshot_bench.datasets.splits import read_split
from fewshot_bench.errors import FsbenchError

Draw = Callable[..., Path]


@pytest.fixture
def root(tmp_path: Path, draw: Draw) -> Path:
    """Eight classes of three pictures, the last of which is tested on."""
    root = tmp_path / "CUB_200_2011"
    lists = dict.fromkeys(("images", "image_class_labels", "train_test_split", "classes"), "")
    for c in range(1, 9):
        lists["classes"] += f"{c} {c:03d}.Bird_{c}\n"
        for i in range(3):
            number = 3 * (c - 1) + i + 1
            path = f"{c:03d}.Bird_{c}/Bird {c}_{i}.jpg"
            draw(root / "images" / path, number)
            lists["images"] += f"{number} {path}\n"
            lists["image_class_labels"] += f"{number} {c}\n"
            lists["train_test_split"] += f"{number} {int(i < 2)}\n"
    for name, text in lists.items():
        (root / f"{name}.txt").write_text(text)
    return root


@pytest.mark.parametrize("above", [False, True])
def test_classes_and_both_splits(root: Path, above: bool) -> None:
    index = Cub().load(root.parent if above else root)
    assert index.class_names == tuple(f"{c:03d}.Bird_{c}" for c in range(1, 9))
    assert index.class_splits == ("base", "validation", "base", "novel") * 2
    assert np.bincount(index.labels).tolist() == [3] * 8
    assert index.test is not None and index.test.tolist() == [False, False, True] * 8
    for path, label in zip(index.paths, index.labels.tolist(), strict=True):
        assert path.startswith(f"images/{index.class_names[label]}/")
    assert index.seen_by == ("ImageNet",) and "ImageNet" in index.notes[0]
    assert index.notes[1].startswith("Pictures here: 24, published: 11,788;")
    novel = index.only("novel")
    assert novel.test is not None and novel.test.tolist() == [False, False, True] * 2


def test_the_published_split_has_100_50_and_50_classes() -> None:
    split = {int(row["class"]): row["split"] for row in read_split("cub")}
    assert sorted(split) == list(range(1, 201))
    assert Counter(split.values()) == {"base": 100, "validation": 50, "novel": 50}
    zero = {c - 1: side for c, side in split.items()}  # the source counts classes from 0
    assert {c for c, side in zero.items() if side == "base"} == {c for c in range(200) if c % 2 == 0}
    assert {c for c, side in zero.items() if side == "novel"} == {c for c in range(200) if c % 4 == 3}


@pytest.mark.parametrize(
    ("file", "line", "reason"),
    [
        ("images", "25 004.Bird_4/none.jpg", "The picture 25 .* has class None"),
        ("images", "001.Bird_1/none.jpg", "Line 25 of .*images.txt is"),
        ("image_class_labels", "1 2", "Line 25 of .*image_class_labels.txt is '1 2', not a new number"),
    ],
)
def test_a_line_that_is_not_one_is_named(root: Path, file: str, line: str, reason: str) -> None:
    with (root / f"{file}.txt").open("a") as stream:
        stream.write(f"{line}\n")
    with pytest.raises(FsbenchError, match=reason):
        Cub().load(root)


@pytest.mark.parametrize("file", ["images", "image_class_labels", "train_test_split", "classes"])
def test_a_missing_list_is_one_sentence(root: Path, file: str) -> None:
    (root / f"{file}.txt").unlink()
    with pytest.raises(FsbenchError, match=f"there is no file {file}.txt; expected"):
        Cub().load(root)
