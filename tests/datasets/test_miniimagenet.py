"""miniImageNet in each of its layouts, its class split, and the real subset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fewshot_bench.data.index import ImageIndex
from fewshot_bench.datasets.locate import load_dataset
from fewshot_bench.datasets.miniimagenet import MiniImageNet, published
from fewshot_bench.errors import FsbenchError

Draw = Callable[..., Path]
CLASSES = {"n01532829": "base", "n01558993": "base", "n01855672": "validation", "n01930112": "novel"}
PART = {"base": "train", "validation": "val", "novel": "test"}


def lists(root: Path, columns: str = "filename,label", sides: dict[str, str] = CLASSES) -> None:
    """``train.csv``, ``val.csv`` and ``test.csv`` with two pictures a class."""
    for split, part in PART.items():
        rows = [(f"{c}{i:08d}.jpg", c) for c, side in sides.items() if side == split for i in (1, 2)]
        lines = [",".join(row if columns == "filename,label" else row[::-1]) for row in rows]
        (root / f"{part}.csv").write_text("\n".join([columns, *lines]) + "\n")


def pictures(root: Path, draw: Draw, folder: str) -> None:
    """Two pictures a class below ``folder``, in which {c} is the class and {part} its list's name."""
    for number, (c, side) in enumerate(CLASSES.items()):
        for i in (1, 2):
            draw(root / folder.format(c=c, part=PART[side]) / f"{c}{i:08d}.jpg", 10 * number + i)


def splits_of(index: ImageIndex) -> dict[str, str]:
    return dict(zip(index.class_names, index.class_splits, strict=True))


@pytest.mark.parametrize(
    ("folder", "columns"),
    [
        ("images/{c}", "filename,label"),
        ("images", "filename,label"),
        ("images/{c}", "class_name,image_name"),
        ("images/{c}", None),
        ("images", None),
        ("{part}/{c}", None),
    ],
)
def test_every_layout_gives_the_published_split(
    tmp_path: Path, draw: Draw, folder: str, columns: str | None
) -> None:
    pictures(tmp_path, draw, folder)
    if columns:
        lists(tmp_path, columns)
    index = MiniImageNet().load(tmp_path)
    assert splits_of(index) == CLASSES
    assert np.bincount(index.labels).tolist() == [2] * 4
    for path, label in zip(index.paths, index.labels.tolist(), strict=True):
        assert Path(path).name.startswith(index.class_names[label])
    assert index.seen_by == ("ImageNet",) and len(index.notes) == 2
    assert index.only("novel").seen_by == ("ImageNet",)


def test_the_published_split_has_64_16_and_20_classes() -> None:
    assert Counter(published().values()) == {"base": 64, "validation": 16, "novel": 20}


def test_a_class_is_in_one_split(tmp_path: Path, draw: Draw) -> None:
    pictures(tmp_path, draw, "{part}/{c}")
    draw(tmp_path / "test" / "n01532829" / "other.jpg", 99)
    with pytest.raises(FsbenchError, match="The class 'n01532829' .* is both base and novel"):
        MiniImageNet().load(tmp_path)


def test_another_split_is_noted(tmp_path: Path, draw: Draw) -> None:
    pictures(tmp_path, draw, "images/{c}")
    lists(tmp_path, sides={**CLASSES, "n01558993": "novel"})
    index = MiniImageNet().load(tmp_path)
    assert splits_of(index)["n01558993"] == "novel"
    assert "another split than Ravi and Larochelle's: 1 (n01558993" in index.notes[1]


def test_what_is_missing_is_one_sentence(tmp_path: Path, draw: Draw) -> None:
    with pytest.raises(FsbenchError, match="no pictures in images, nor in train, val and test; expected"):
        MiniImageNet().load(tmp_path)
    pictures(tmp_path, draw, "images/{c}")
    draw(tmp_path / "images" / "cats" / "a.jpg", 99)
    with pytest.raises(FsbenchError, match="the class 'cats' in images is none of the 100"):
        MiniImageNet().load(tmp_path)
    lists(tmp_path)
    (tmp_path / "images" / "n01558993" / "n0155899300000002.jpg").unlink()
    with pytest.raises(
        FsbenchError, match="Line 5 of .*train.csv names 'n0155899300000002.jpg': images/.* is not there"
    ):
        MiniImageNet().load(tmp_path)
    (tmp_path / "val.csv").unlink()
    with pytest.raises(FsbenchError, match="no file val.csv beside"):
        MiniImageNet().load(tmp_path)


def test_a_picture_is_listed_once(tmp_path: Path, draw: Draw) -> None:
    pictures(tmp_path, draw, "images/{c}")
    lists(tmp_path)
    with (tmp_path / "train.csv").open("a") as file:
        file.write("n0153282900000001.jpg,n01532829\n")
    with pytest.raises(FsbenchError, match="n0153282900000001.jpg' in .* is listed more than once"):
        MiniImageNet().load(tmp_path)


def test_the_real_subset(real_data: Path) -> None:
    index = load_dataset(MiniImageNet(), data_root=real_data)
    assert (len(index), len(index.class_names)) == (6000, 100)
    assert set(np.bincount(index.labels).tolist()) == {60}
    assert splits_of(index) == published()
    assert index.notes[1].startswith("Pictures here: 6,000, published: 60,000;") and len(index.notes) == 2
    sides = {s: {d.tobytes() for d in index.only(s).digests} for s in ("base", "validation", "novel")}
    assert [len(sides[s]) for s in sides] == [3840, 960, 1200]
    assert not sides["base"] & sides["novel"] | sides["base"] & sides["validation"]
    assert index.unreadable == () and index.reader(0).size == (84, 84)
