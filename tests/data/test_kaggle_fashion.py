"""Kaggle Fashion: commas in names, the literal NA, rows without pictures, three levels, the published counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fewshot_bench.data import load_dataset
from fewshot_bench.data.kaggle_fashion import KaggleFashion
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
    assert "left out: 42266." in index.notes[0]
