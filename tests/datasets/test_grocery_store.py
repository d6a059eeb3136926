"""Grocery Store in its published layout, made small, and the real one."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fewshot_bench.data.index import QUERY, SUPPORT
from fewshot_bench.datasets.grocery_store import GroceryStore, read_classes
from fewshot_bench.datasets.locate import load_dataset
from fewshot_bench.errors import FsbenchError

HEADER = (
    "Class Name (str),Class ID (int),Coarse Class Name (str),Coarse Class ID (int),"
    "Iconic Image Path (str),Product Description Path (str)"
)


@pytest.fixture
def root(tmp_path: Path, draw: Callable[..., Path]) -> Path:
    """Four classes, two of them apples, one without a fine level, ``classes.csv`` without a final line end."""
    dataset = tmp_path / "grocery-store" / "dataset"
    classes = [
        ("Kiwi", "Fruit/Kiwi", "Kiwi", 0),
        ("Pink-Lady", "Fruit/Apple/Pink-Lady", "Apple", 1),
        ("Milk-é", "Packages/Milk/Milk-é", "Milk", 2),
        ("Golden", "Fruit/Apple/Golden", "Apple", 1),
    ]
    table, lists = [HEADER], {"train": "", "val": "", "test": ""}
    for number, (name, folder, coarse, coarse_number) in enumerate(classes):
        iconic = f"/iconic-images-and-descriptions/{folder}/{name}_Iconic.jpg"
        table.append(f"{name},{number},{coarse},{coarse_number},{iconic},/x.txt")
        draw(dataset / iconic[1:], 1000 + number)
        for part, start in (("train", 0), ("val", 10), ("test", 20)):
            for i in range(2 + number):
                path = f"{part}/{folder}/{name}_{i:03d}.jpg"
                draw(dataset / path, 100 * number + start + i)
                lists[part] += f"{path}, {number}, {coarse_number}\n"
    (dataset / "classes.csv").write_text("\n".join(table), encoding="utf-8")
    for part, text in lists.items():
        (dataset / f"{part}.txt").write_text(text, encoding="utf-8")
    return tmp_path / "grocery-store"


@pytest.mark.parametrize(
    ("variant", "support", "query"),
    [
        (None, [1, 1, 1, 1], [5, 2, 4, 3]),
        ("natural", [5, 2, 4, 3], [5, 2, 4, 3]),
        ("iconic-coarse", [2, 1, 1], [8, 2, 4]),
        ("natural-coarse", [8, 2, 4], [8, 2, 4]),
    ],
)
def test_support_and_query_pools(
    root: Path, variant: str | None, support: list[int], query: list[int]
) -> None:
    index = GroceryStore().load(root, variant)
    variant = variant or "iconic"
    assert index.variant == variant
    coarse = variant.endswith("coarse")
    assert index.class_names == (
        ("Apple", "Kiwi", "Milk") if coarse else ("Golden", "Kiwi", "Milk-é", "Pink-Lady")
    )
    assert np.bincount(index.labels[index.pools == SUPPORT]).tolist() == support
    assert np.bincount(index.labels[index.pools == QUERY]).tolist() == query
    part = {SUPPORT: "iconic" if variant.startswith("iconic") else "train", QUERY: "test"}
    for path, label, pool in zip(index.paths, index.labels, index.pools.tolist(), strict=True):
        assert path.startswith(f"dataset/{part[pool]}")
        assert index.class_names[label] in path
    if variant.startswith("natural"):
        assert index.test is not None and np.array_equal(index.test, index.pools == QUERY)
    else:
        assert index.test is None


def test_missing_and_wrong_files(root: Path) -> None:
    path = root / "dataset" / "test.txt"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "test/Fruit/Kiwi/none.jpg, 0, 0\n", encoding="utf-8")
    with pytest.raises(FsbenchError, match=r"'dataset/test/Fruit/Kiwi/none\.jpg' .* cannot be opened"):
        GroceryStore().load(root)
    for line in ("test/a.jpg, 4, 0", "test/a.jpg 0 0", "test/a.jpg, 0, 1"):
        path.write_text(text + line, encoding="utf-8")
        with pytest.raises(FsbenchError, match=r"Line 15 of .*test\.txt is"):
            GroceryStore().load(root)
    path.unlink()
    with pytest.raises(FsbenchError, match=r"no file dataset/test\.txt; expected"):
        GroceryStore().load(root)
    shutil.rmtree(root / "dataset")
    with pytest.raises(FsbenchError, match=r"no file dataset/classes\.csv; expected"):
        GroceryStore().load(root)


@pytest.mark.parametrize(
    ("variant", "support", "classes"),
    [("iconic", 81, 81), ("natural", 1296, 81), ("iconic-coarse", 81, 43), ("natural-coarse", 1296, 43)],
)
def test_the_real_set(real_data: Path, variant: str, support: int, classes: int) -> None:
    """43 coarse classes, numbered 0…42 in classes.csv, where descriptions of the set speak of 42."""
    index = load_dataset(GroceryStore(), data_root=real_data, variant=variant)
    assert len(index.class_names) == classes
    assert (index.pools == SUPPORT).sum() == support
    assert (index.pools == QUERY).sum() == 1280
    assert index.unreadable == ()
    if classes == 81:
        queries = np.bincount(index.labels[index.pools == QUERY], minlength=81)
        assert (queries.min(), queries.max()) == (10, 16)
        per_class = set(np.bincount(index.labels[index.pools == SUPPORT], minlength=81).tolist())
        assert per_class == ({1} if variant == "iconic" else {16})
    if variant == "iconic":
        assert index.reader(0).size == (198, 198)


def test_all_products_of_a_coarse_class_are_held_out_together(real_data: Path) -> None:
    index = load_dataset(GroceryStore(), data_root=real_data, variant="natural-held-out")
    splits = dict(zip(index.class_names, index.class_splits, strict=True))
    assert Counter(splits.values()) == {"base": 58, "validation": 12, "novel": 11}
    table = read_classes(real_data / "grocery-store" / "dataset" / "classes.csv").values()
    drawn = {
        coarse: {splits[found.fine] for found in table if found.coarse == coarse} for _, coarse, *_ in table
    }
    assert all(len(found) == 1 for found in drawn.values())
    assert Counter(split for (split,) in drawn.values()) == {"base": 25, "validation": 9, "novel": 9}
    whole = load_dataset(GroceryStore(), data_root=real_data, variant="natural")
    assert index.paths == whole.paths and set(whole.class_splits) == {"all"}
    assert index.notes[1].startswith("Held out by a fixed draw")
