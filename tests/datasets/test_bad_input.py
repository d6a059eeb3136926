"""Bad input, for every adapter of picture files: one clear sentence, never a traceback or a class gone in silence."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fewshot_bench.contract.source import DatasetSource
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.datasets.brands import Brands
from fewshot_bench.datasets.capg_gp import CapgGp
from fewshot_bench.datasets.csv_file import CsvFile
from fewshot_bench.datasets.cub import Cub
from fewshot_bench.datasets.folder import Folder
from fewshot_bench.datasets.grocery_store import GroceryStore
from fewshot_bench.datasets.grozi120 import Grozi120
from fewshot_bench.datasets.kaggle_fashion import KaggleFashion
from fewshot_bench.datasets.locate import load_dataset
from fewshot_bench.datasets.miniimagenet import MiniImageNet
from fewshot_bench.datasets.omniglot import Omniglot
from fewshot_bench.errors import FsbenchError

Draw = Callable[..., Path]
GROCERY = (
    "Class Name (str),Class ID (int),Coarse Class Name (str),Coarse Class ID (int),Iconic Image Path (str)\n"
    "Kiwi,0,Kiwi,0,/iconic/Kiwi.jpg\nLime,1,Lime,1,/iconic/Lime.jpg\n"
)
FASHION = "id,gender,masterCategory,subCategory,articleType,baseColour,season,year,usage,productDisplayName\n"
WNIDS = ("n01532829", "n01930112")


@dataclass(frozen=True)
class Case:
    """A tiny set in one layout.

    ``pictures``: those of two classes, the second class's last; ``texts``: the tables beside them;
    ``needed``: what the layout cannot be without; ``column`` (file, name): a column that must be there;
    ``escape`` (file, old, new): a table's path turned into one that leaves the root; ``label``: the second
    class's name; ``folder``: one of its folders, which is a class folder where ``classes`` is True.
    """

    name: str
    source: type[DatasetSource]
    pictures: tuple[str, ...]
    folder: str
    label: str
    needed: str
    texts: tuple[tuple[str, str], ...] = ()
    column: tuple[str, str] | None = None
    escape: tuple[str, str, str] | None = None
    variant: str | None = None
    classes: bool = True

    def build(self, root: Path, draw: Draw) -> Path:
        for seed, path in enumerate(self.pictures):
            draw(root / path, seed)
        for path, text in self.texts:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        return root

    def load(self, root: Path) -> ImageIndex:
        path = root / "list.csv" if self.source is CsvFile else root
        return load_dataset(self.source(), path=path, variant=self.variant)


def numbered(*values: object) -> str:
    return "".join(f"{i} {value}\n" for i, value in enumerate(values, start=1))


CASES = [
    Case("folder", Folder, ("a/1.png", "b/1.png", "b/2.png"), "b", "b", "."),
    Case(
        "csv", CsvFile, ("a/1.png", "b/1.png", "b/2.png"), "b", "b", "list.csv",
        (("list.csv", "path,label\na/1.png,a\nb/1.png,b\nb/2.png,b\n"),),
        column=("list.csv", "label"), escape=("list.csv", "b/2.png", "../out.png"), classes=False,
    ),
    Case(
        "grozi120", Grozi120, ("inSitu/1/video/video1.png", "inSitu/2/video/video1.png", "inSitu/2/video/video2.png"),
        "inSitu/2/video", "002", "inSitu", classes=False,
    ),
    Case(
        "grocery-store", GroceryStore,
        ("dataset/iconic/Kiwi.jpg", "dataset/test/Kiwi/1.jpg", "dataset/test/Lime/1.jpg", "dataset/iconic/Lime.jpg"),
        "dataset/test/Lime", "Lime", "dataset/test.txt",
        (
            ("dataset/classes.csv", GROCERY),
            ("dataset/test.txt", "test/Kiwi/1.jpg, 0, 0\ntest/Lime/1.jpg, 1, 1\n"),
        ),
        column=("dataset/classes.csv", "Class ID (int)"),
        escape=("dataset/test.txt", "test/Lime/1.jpg", "../../out.png"), classes=False,
    ),
    Case(
        "kaggle-fashion", KaggleFashion, ("images/1.jpg", "images/2.jpg", "images/3.jpg"), "images", "Jeans",
        "styles.csv",
        (("styles.csv", FASHION + "".join(
            f"{n},Men,Apparel,Topwear,{label},Blue,Fall,2011,Casual,Name\n"
            for n, label in ((1, "Shirts"), (2, "Jeans"), (3, "Jeans"))
        )),),
        column=("styles.csv", "articleType"), classes=False,
    ),
    Case(
        "omniglot", Omniglot,
        tuple(
            f"images_background/Greek/character{c:02d}/{c}_{i}.png" for c in range(1, 6) for i in (1, 2)
        ),
        "images_background/Greek/character05", "Greek/character05", "images_background",
    ),
    Case(
        "miniimagenet, lists", MiniImageNet,
        (f"images/{WNIDS[0]}/1.jpg", f"images/{WNIDS[1]}/1.jpg", f"images/{WNIDS[1]}/2.jpg"),
        f"images/{WNIDS[1]}", WNIDS[1], "val.csv",
        (
            ("train.csv", f"filename,label\n1.jpg,{WNIDS[0]}\n"),
            ("val.csv", "filename,label\n"),
            ("test.csv", f"filename,label\n1.jpg,{WNIDS[1]}\n2.jpg,{WNIDS[1]}\n"),
        ),
        column=("test.csv", "filename"), escape=("test.csv", "2.jpg", "../../../out.png"), classes=False,
    ),
    Case(
        "miniimagenet, folders", MiniImageNet,
        (f"train/{WNIDS[0]}/1.jpg", f"test/{WNIDS[1]}/1.jpg", f"test/{WNIDS[1]}/2.jpg"),
        f"test/{WNIDS[1]}", WNIDS[1], "test",
    ),
    Case(
        "capg-gp, folders", CapgGp, ("train/a/1.jpg", "train/b/1.jpg", "test/a/1.jpg", "test/b/1.jpg"),
        "test/b", "b", "test",
    ),
    Case(
        "capg-gp, list", CapgGp, ("a/1.jpg", "a/2.jpg", "b/1.jpg", "b/2.jpg"), "b", "b", "list.csv",
        (("list.csv", "path,label,split\na/1.jpg,a,train\na/2.jpg,a,test\nb/1.jpg,b,train\nb/2.jpg,b,test\n"),),
        column=("list.csv", "split"), escape=("list.csv", "b/2.jpg", "../out.png"), classes=False,
    ),
    Case(
        "brands", Brands, ("YSL/a/1.jpg", "YSL/a/2.jpg", "Prada/b/1.jpg", "Prada/b/2.jpg"), "Prada/b", "Prada/b",
        "Prada", variant="prada",
    ),
    Case(
        "cub", Cub, ("images/001.A/1.jpg", "images/002.B/1.jpg", "images/002.B/2.jpg"), "images/002.B", "002.B",
        "classes.txt",
        (
            ("classes.txt", numbered("001.A", "002.B")),
            ("images.txt", numbered("001.A/1.jpg", "002.B/1.jpg", "002.B/2.jpg")),
            ("image_class_labels.txt", numbered(1, 2, 2)),
            ("train_test_split.txt", numbered(1, 0, 1)),
        ),
        escape=("images.txt", "002.B/2.jpg", "../../out.png"), classes=False,
    ),
]  # fmt: skip
each = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@pytest.fixture
def root(case: Case, tmp_path: Path, draw: Draw) -> Path:
    return case.build(tmp_path / "the set", draw)


def sentence(case: Case, root: Path) -> str:
    """What the adapter says of bad input: one sentence on one line."""
    with pytest.raises(FsbenchError) as caught:
        case.load(root)
    text = str(caught.value)
    assert "\n" not in text and text.endswith(".") and "Errno" not in text
    return text


@each
def test_the_set_itself_is_sound(case: Case, root: Path) -> None:
    index = case.load(root)
    assert sorted(index.paths) == sorted(case.pictures)
    assert case.label in index.class_names and index.unreadable == ()


@each
def test_a_missing_file_or_folder(case: Case, root: Path) -> None:
    if case.needed == ".":
        shutil.rmtree(root)
    elif (root / case.needed).is_dir():
        shutil.rmtree(root / case.needed)
    else:
        (root / case.needed).unlink()
    text = sentence(case, root)
    assert str(root) in text or Path(case.needed).name.lower() in text.lower()


@pytest.mark.parametrize("case", [c for c in CASES if c.column], ids=lambda case: case.name)
def test_a_wrong_column(case: Case, root: Path) -> None:
    assert case.column is not None
    file, column = case.column
    path = root / file
    path.write_text(path.read_text(encoding="utf-8").replace(column, "other", 1), encoding="utf-8")
    text = sentence(case, root)
    assert Path(file).name in text and column in text


@each
def test_a_class_whose_pictures_are_all_damaged_is_named(case: Case, root: Path) -> None:
    index = case.load(root)
    own = [
        path for path, c in zip(index.paths, index.labels, strict=True) if index.class_names[c] == case.label
    ]
    for path in own:
        (root / path).write_bytes(b"damaged")
    index = case.load(root)
    assert case.label not in index.class_names
    assert f"Classes without a readable picture, left out: {case.label}." in index.notes
    assert {path for path, _ in index.unreadable} == set(own)


@pytest.mark.parametrize("case", [c for c in CASES if c.classes], ids=lambda case: case.name)
def test_a_class_folder_without_pictures_is_named(case: Case, root: Path) -> None:
    empty = root / Path(case.folder).parent / "empty one"
    empty.mkdir()
    assert any(
        "Folders without a picture, left out: " in n and "empty one" in n for n in case.load(root).notes
    )


@each
def test_links_in_circles(case: Case, root: Path) -> None:
    shutil.rmtree(root / case.folder)
    (root / case.folder).symlink_to(root / case.folder)
    text = sentence(case, root)
    assert "symbolic links" in text


@each
def test_a_picture_that_is_a_link_in_circles(case: Case, root: Path) -> None:
    path = root / case.pictures[-1]
    path.unlink()
    path.symlink_to(path)
    text = sentence(case, root)
    assert path.name in text


@each
def test_a_link_out_of_the_set(case: Case, root: Path, tmp_path: Path) -> None:
    path = root / case.pictures[-1]
    path.rename(tmp_path / "out.png")
    path.symlink_to(tmp_path / "out.png")
    assert "leads out of" in sentence(case, root)
    path.unlink()
    (tmp_path / "out.png").rename(path)
    (root / case.folder).rename(tmp_path / "elsewhere")
    (root / case.folder).symlink_to(tmp_path / "elsewhere")
    assert "leads out of" in sentence(case, root)


@pytest.mark.parametrize("case", [c for c in CASES if c.escape], ids=lambda case: case.name)
def test_a_path_out_of_the_set(case: Case, root: Path, draw: Draw) -> None:
    assert case.escape is not None
    file, old, new = case.escape
    draw(root.parent / "out.png", 99)
    text = (root / file).read_text(encoding="utf-8")
    (root / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    text = sentence(case, root)
    assert "leads out of" in text and new in text


@each
def test_a_folder_without_permissions(case: Case, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As ``chmod 000`` on a folder does, for a user who is not root."""
    closed = str(root / case.folder)

    def guarded(name: str, inside: bool) -> Callable[..., Any]:
        real = getattr(os, name)

        def call(path: Any = ".", *args: Any, **kwargs: Any) -> Any:
            text = os.path.abspath(path) if isinstance(path, (str, os.PathLike)) else ""  # noqa: PTH100
            if text.startswith(closed + os.sep) or (inside and text == closed):
                raise PermissionError(13, "Permission denied", text)
            return real(path, *args, **kwargs)

        return call

    for name, inside in (("stat", False), ("lstat", False), ("scandir", True), ("listdir", True)):
        monkeypatch.setattr(os, name, guarded(name, inside))
    text = sentence(case, root)
    assert "Permission denied" in text


@each
def test_a_table_that_is_no_text(case: Case, root: Path) -> None:
    for file, _ in case.texts:
        text = (root / file).read_bytes()
        (root / file).write_bytes(b"\xff\xfe\x00" + text)
        assert Path(file).name in sentence(case, root)
        (root / file).write_bytes(text)


@each
def test_an_empty_table(case: Case, root: Path) -> None:
    for file, _ in case.texts:
        text = (root / file).read_bytes()
        (root / file).write_bytes(b"")
        sentence(case, root)
        (root / file).write_bytes(text)
