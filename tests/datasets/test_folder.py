"""A folder of class folders: names, formats, depth, links, and what is left out."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fewshot_bench.datasets.folder import Folder
from fewshot_bench.errors import FsbenchError, UsageError

Draw = Callable[..., Path]


def test_classes_are_folders_one_or_two_levels_deep(tmp_path: Path, draw: Draw) -> None:
    root = tmp_path / "my pictures"
    paths = ("Äpfel grün/1.png", "marke 10/b/x.PNG", "marke 2/a/x.webp", "marke 2/y.bmp")
    for seed, path in enumerate(paths):
        draw(root / path, seed)
    index = Folder().load(root)
    assert index.name == "folder:my pictures"
    assert index.class_names == ("marke 2", "marke 2/a", "marke 10/b", "Äpfel grün")
    assert set(index.paths) == set(paths)
    assert index.class_splits == ("all",) * 4


def test_all_formats_and_natural_order(tmp_path: Path, draw: Draw) -> None:
    names = ["2.jpg", "10.jpeg", "11.png", "12.webp", "13.bmp", "14.tiff", "15.tif", "16.gif"]
    for seed, name in enumerate(reversed(names)):
        draw(tmp_path / "c" / name, seed)
    index = Folder().load(tmp_path)
    assert index.paths == tuple(f"c/{name}" for name in names)
    assert np.asarray(index.reader(2)).tolist() == np.asarray(Image.open(tmp_path / "c/11.png")).tolist()


def test_what_is_no_picture_of_a_class_is_passed_over(tmp_path: Path, draw: Draw) -> None:
    for seed, path in enumerate(
        ("c/a.png", "beside.png", "c/.hidden.png", ".hidden/a.png", "c/d/e/deep.png", "c/d/a.png")
    ):
        draw(tmp_path / path, seed)
    (tmp_path / "c" / "Thumbs.db").write_bytes(b"thumbs")
    (tmp_path / "c" / "notes.txt").write_text("text")
    (tmp_path / "empty").mkdir()
    index = Folder().load(tmp_path)
    assert index.paths == ("c/a.png", "c/d/a.png")
    assert index.notes[1:] == (
        "Folders without a picture, left out: empty.",
        "Pictures beside the class folders, left out: 1.",
        "Pictures more than 2 folders deep, left out: 1.",
    )


def test_unreadable_pictures_and_classes_of_one(tmp_path: Path, draw: Draw) -> None:
    draw(tmp_path / "one" / "a.png", 1)
    for name in ("two/a.png", "two/copy.png"):
        draw(tmp_path / name, 2)
    draw(tmp_path / "two" / "b.png", 3)
    (tmp_path / "two" / "bad.jpg").write_bytes(b"\xff\xd8\xff")
    index = Folder().load(tmp_path)
    assert np.bincount(index.labels).tolist() == [1, 3]
    assert index.groups.tolist() == [0, 1, 2, 1]
    assert [path for path, _ in index.unreadable] == ["two/bad.jpg"]
    assert "Pictures left out because they cannot be read: 1." in index.notes


def test_the_same_files_elsewhere_are_the_same_data(tmp_path: Path, draw: Draw) -> None:
    for place in ("a", "b"):
        for seed in range(3):
            draw(tmp_path / place / "set" / str(seed) / "x.png", seed)
    one, other = (Folder().load(tmp_path / place / "set") for place in ("a", "b"))
    assert one.fingerprint == other.fingerprint
    draw(tmp_path / "b" / "set" / "0" / "x.png", 9)
    assert Folder().load(tmp_path / "b" / "set").fingerprint != one.fingerprint


def test_link_loops_and_ways_out_are_refused(tmp_path: Path, draw: Draw) -> None:
    root = tmp_path / "root"
    draw(root / "c" / "a.png", 1)
    link = root / "c" / "again"
    for target, reason in (
        ("..", "a folder above it"),
        ("again", "symbolic links"),
        (tmp_path, "above|out of"),
    ):
        link.symlink_to(target)
        with pytest.raises(FsbenchError, match=reason):
            Folder().load(root)
        link.unlink()
    (tmp_path / "elsewhere").mkdir()
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FsbenchError, match="again leads out of the folder"):
        Folder().load(root)


def test_an_unreadable_folder_is_one_sentence(
    tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(tmp_path / "c" / "a.png", 1)
    scandir = os.scandir

    def denied(path: Any) -> Any:
        if Path(path).name == "c":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(FsbenchError, match=r"The folder .*c cannot be read \(Permission denied\)"):
        Folder().load(tmp_path)


def test_no_pictures_and_no_path(tmp_path: Path) -> None:
    with pytest.raises(FsbenchError, match="holds no pictures in class folders; expected <class>/<picture>"):
        Folder().load(tmp_path)
    with pytest.raises(UsageError, match="--dataset PATH"):
        Folder().load(None)


def test_folders_named_as_splits_are_splits_of_classes(tmp_path: Path, draw: Draw) -> None:
    for seed, path in enumerate(("train/a/1.png", "val/b/1.png", "test/brand/c/1.png", "test/d/1.png")):
        draw(tmp_path / path, seed)
    index = Folder().load(tmp_path)
    assert dict(zip(index.class_names, index.class_splits, strict=True)) == {
        "a": "base", "b": "validation", "brand/c": "novel", "d": "novel",
    }  # fmt: skip
    assert index.test is None and "The folders test, train, val are splits of classes." in index.notes


def test_folders_named_as_splits_with_the_same_classes_split_the_pictures(tmp_path: Path, draw: Draw) -> None:
    for seed, path in enumerate(("train/a/1.png", "train/b/1.png", "test/a/1.png", "test/b/2.png")):
        draw(tmp_path / path, seed)
    index = Folder().load(tmp_path)
    assert index.class_names == ("a", "b") and index.class_splits == ("all", "all")
    assert index.test is not None
    assert [path for path, tested in zip(index.paths, index.test, strict=True) if tested] == [
        "test/a/1.png", "test/b/2.png",
    ]  # fmt: skip


def test_folders_named_as_splits_need_class_folders(tmp_path: Path, draw: Draw) -> None:
    for seed, path in enumerate(("train/1.png", "test/1.png")):
        draw(tmp_path / path, seed)
    with pytest.raises(FsbenchError, match="named as splits, and .* holds pictures and no class folders"):
        Folder().load(tmp_path)
    draw(tmp_path / "other" / "1.png", 3)
    assert Folder().load(tmp_path).class_names == ("other", "test", "train")


def test_names_with_control_characters_are_left_out_and_named(tmp_path: Path, draw: Draw) -> None:
    for seed, path in enumerate(("a/1.png", "a/x\ny.png", "b\x1b[2J/1.png")):
        draw(tmp_path / path, seed)
    index = Folder().load(tmp_path)
    assert index.paths == ("a/1.png",)
    assert sorted(path for path, _ in index.unreadable) == ["a/x\\x0ay.png", "b\\x1b[2J/1.png"]
    assert {why for _, why in index.unreadable} == {"its name has a control character"}
    assert not any("\x1b" in note or "\n" in note for note in index.notes)
