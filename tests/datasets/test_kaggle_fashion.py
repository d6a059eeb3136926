"""Kaggle Fashion: commas in names, the literal NA, rows without pictures, three levels, the published counts."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fewshot_bench.datasets.kaggle_fashion import KaggleFashion, labels_of
from fewshot_bench.datasets.locate import load_dataset
from fewshot_bench.errors import FsbenchError

HEAD = "id,gender,masterCategory,subCategory,articleType,baseColour,season,year,usage,productDisplayName\n"
ROWS = """1,Men,Apparel,Topwear,Shirts,NA,Fall,2011,NA,Plain Shirt
2,Men,Apparel,Topwear,Tshirts,Blue,,,Casual,Shirt, with a comma, and another
3,Men,Apparel,Bottomwear,Jeans,Blue,Fall,2011,Casual,"Screen 32"" jeans"
4,Men,Footwear,Shoes,Heels,Blue,Fall,2011,Casual,No picture
5,Men,Apparel,Topwear,Shirts,NA,Fall,2011,NA,The same picture again
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    (tmp_path / "styles.csv").write_text(HEAD + ROWS)
    for number, grey in ((1, 10), (2, 90), (3, 170), (5, 10), (99, 5)):
        Image.fromarray(np.full((8, 8, 3), grey, np.uint8)).save(tmp_path / "images" / f"{number}.jpg")
    return tmp_path


def test_rows_with_a_picture_at_three_levels(root: Path) -> None:
    index = KaggleFashion().load(root)
    assert index.class_names == ("Jeans", "Shirts", "Tshirts")
    assert index.paths == tuple(f"images/{n}.jpg" for n in (1, 2, 3, 5))
    assert index.groups[0] == index.groups[3]  # equal bytes
    assert "left out: 1." in index.notes[0]
    assert KaggleFashion().load(root, "sub").class_names == ("Bottomwear", "Topwear")
    assert KaggleFashion().load(root, "master").class_names == ("Apparel",)


def test_article_types_are_held_out_by_a_fixed_draw(root: Path) -> None:
    rows = [f"{n},Men,Apparel,Topwear,Type {n - 9},Blue,Fall,2011,Casual,Name" for n in range(10, 20)]
    (root / "styles.csv").write_text(HEAD + "\n".join(rows))
    for number in range(10, 20):
        Image.fromarray(np.full((8, 8, 3), number, np.uint8)).save(root / "images" / f"{number}.jpg")
    index = KaggleFashion().load(root, "article-held-out")
    splits = dict(zip(index.class_names, index.class_splits, strict=True))
    order = sorted(splits, key=lambda name: sha256(name.encode()).digest())
    assert [splits[name] for name in order] == ["novel"] * 2 + ["validation"] * 2 + ["base"] * 6
    assert any(note.startswith("Held out by a fixed draw") for note in index.notes)
    assert set(KaggleFashion().load(root).class_splits) == {"all"}


def test_lines_may_end_as_on_windows_and_ids_stand_alone(root: Path) -> None:
    text = (HEAD + ROWS).replace("\n", "\r\n") + "\r\n"
    (root / "styles.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    index = KaggleFashion().load(root)
    assert index.class_names == ("Jeans", "Shirts", "Tshirts") and len(index) == 4
    assert index.notes[1] == "Pictures without a row of styles.csv, left out: 1."  # images/99.jpg


def test_equal_pixels_in_other_bytes_are_one_group(root: Path) -> None:
    path = root / "images" / "5.jpg"
    data = path.read_bytes()
    assert data[:2] == b"\xff\xd8"
    path.write_bytes(data[:2] + b"\xff\xfe\x00\x09comment" + data[2:])
    index = KaggleFashion().load(root)
    assert (index.digests[0] != index.digests[3]).any()
    assert index.groups[0] == index.groups[3] and len(set(index.groups.tolist())) == 3
    assert (
        "other bytes and the same pixels as another of their class, joined to its group: 1." in index.notes[2]
    )
    Image.fromarray(np.full((8, 8, 3), 30, np.uint8)).save(path)
    assert len(set(KaggleFashion().load(root).groups.tolist())) == 4


def test_a_row_that_is_not_one_is_named(root: Path) -> None:
    for line, reason in (
        ("6,Men,Apparel", "not 10 fields"),
        ("x,Men,Apparel,Topwear,Shirts,NA,Fall,2011,NA,Name", "Line 7"),
        (
            "6,Men,Apparel,Topwear,,NA,Fall,2011,NA,Name",
            "not 10 fields with a number as id and the articleType",
        ),
        ("5,Men,Apparel,Topwear,Shirts,NA,Fall,2011,NA,Name", "has the id 5 of an earlier line"),
    ):
        (root / "styles.csv").write_text(HEAD + ROWS + line + "\n")
        with pytest.raises(FsbenchError, match=reason):
            KaggleFashion().load(root)


def test_the_label_na_is_a_word(root: Path) -> None:
    (root / "styles.csv").write_text(HEAD + ROWS.replace(",Shirts,", ",NA,"))
    assert KaggleFashion().load(root).class_names == ("Jeans", "NA", "Tshirts")


def test_mistakes_are_one_sentence(root: Path, tmp_path: Path) -> None:
    (root / "styles.csv").write_text("id,gender\n1,Men\n")
    with pytest.raises(FsbenchError, match="has no column articleType"):
        KaggleFashion().load(root)
    (root / "styles.csv").write_text(HEAD)
    with pytest.raises(FsbenchError, match="no picture images/<id>.jpg"):
        KaggleFashion().load(root)
    (root / "styles.csv").unlink()
    with pytest.raises(FsbenchError, match="no file styles.csv"):
        KaggleFashion().load(root)


def test_the_real_subset_has_its_published_counts(real_data: Path) -> None:
    index = load_dataset(KaggleFashion(), data_root=real_data)
    counts = np.bincount(index.labels)
    assert (len(index), len(index.class_names)) == (2180, 47)
    assert (counts.min(), np.median(counts), counts.max()) == (13, 60, 60)
    assert index.notes[0] == "Rows of styles.csv without a picture, left out: 42266."
    sizes = np.bincount(index.groups)
    assert (sizes > 1).sum() == 22
    assert all(len(set(index.labels[index.groups == g])) == 1 for g in np.flatnonzero(sizes > 1))
    ids = [Path(path).stem for path in index.paths]
    assert index.groups[ids.index("10184")] == index.groups[ids.index("10185")]


def test_the_real_table_is_read_to_its_last_row(real_data: Path) -> None:
    labels = labels_of(real_data / "kaggle-fashion" / "styles.csv", "articleType")
    assert (len(labels), len(set(labels.values()))) == (44446, 143)
