"""Grocery Store in its published layout, made small, and the real one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fewshot_bench.data.grocery_store import GroceryStore
from fewshot_bench.data.index import QUERY, SUPPORT
from fewshot_bench.data.locate import load_dataset
from fewshot_bench.errors import FsbenchError

HEADER = (
    "Class Name (str),Class ID (int),Coarse Class Name (str),Coarse Class ID (int),"
    "Iconic Image Path (str),Product Description Path (str)"
)


@pytest.fixture
def root(tmp_path: Path, draw: Callable[..., Path]) -> Path:
    """Three classes, one without a fine level, ``classes.csv`` without a final line end."""
    dataset = tmp_path / "grocery-store" / "dataset"
    classes = [
        ("Kiwi", "Fruit/Kiwi"),
        ("Pink-Lady", "Fruit/Apple/Pink-Lady"),
        ("Milk-é", "Packages/Milk/Milk-é"),
    ]
    table, lists = [HEADER], {"train": "", "val": "", "test": ""}
    for number, (name, folder) in enumerate(classes):
        iconic = f"/iconic-images-and-descriptions/{folder}/{name}_Iconic.jpg"
        table.append(f"{name},{number},Coarse,{number},{iconic},/x.txt")
        draw(dataset / iconic[1:], 1000 + number)
        for part, start in (("train", 0), ("val", 10), ("test", 20)):
            for i in range(2 + number):
                path = f"{part}/{folder}/{name}_{i:03d}.jpg"
                draw(dataset / path, 100 * number + start + i)
                lists[part] += f"{path}, {number}, {number}\n"
    (dataset / "classes.csv").write_text("\n".join(table), encoding="utf-8")
    for part, text in lists.items():
        (dataset / f"{part}.txt").write_text(text, encoding="utf-8")
    return tmp_path / "grocery-store"


@pytest.mark.parametrize(("variant", "support"), [(None, [1, 1, 1]), ("natural", [2, 4, 3])])
def test_support_and_query_pools(root: Path, variant: str | None, support: list[int]) -> None:
    index = GroceryStore().load(root, variant)
    assert index.variant == variant or index.variant == "iconic"
    assert index.class_names == ("Kiwi", "Milk-é", "Pink-Lady")
    assert np.bincount(index.labels[index.pools == SUPPORT]).tolist() == support
    assert np.bincount(index.labels[index.pools == QUERY]).tolist() == [2, 4, 3]
    part = {SUPPORT: "iconic" if variant is None else "train", QUERY: "test"}
    for path, label, pool in zip(index.paths, index.labels, index.pools.tolist(), strict=True):
        assert path.startswith(f"dataset/{part[pool]}")
        assert index.class_names[label] in path


def test_missing_and_wrong_files(root: Path) -> None:
    path = root / "dataset" / "test.txt"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "test/Fruit/Kiwi/none.jpg, 0, 0\n", encoding="utf-8")
    with pytest.raises(FsbenchError, match=r"'dataset/test/Fruit/Kiwi/none\.jpg' .* cannot be opened"):
        GroceryStore().load(root)
    for line in ("test/a.jpg, 3, 0", "test/a.jpg 0 0"):
        path.write_text(text + line, encoding="utf-8")
        with pytest.raises(FsbenchError, match=r"Line 10 of .*test\.txt is"):
            GroceryStore().load(root)
    path.unlink()
    with pytest.raises(FsbenchError, match=r"no file dataset/test\.txt; expected"):
        GroceryStore().load(root)
    shutil.rmtree(root / "dataset")
    with pytest.raises(FsbenchError, match=r"no file dataset/classes\.csv; expected"):
        GroceryStore().load(root)


@pytest.mark.parametrize(("variant", "support"), [("iconic", 81), ("natural", 1296)])
def test_the_real_set(real_data: Path, variant: str, support: int) -> None:
    index = load_dataset(GroceryStore(), data_root=real_data, variant=variant)
    assert len(index.class_names) == 81
    assert (index.pools == SUPPORT).sum() == support
    assert (index.pools == QUERY).sum() == 1280
    queries = np.bincount(index.labels[index.pools == QUERY], minlength=81)
    assert (queries.min(), queries.max()) == (10, 16)
    per_class = set(np.bincount(index.labels[index.pools == SUPPORT], minlength=81).tolist())
    assert per_class == ({1} if variant == "iconic" else {16})
    assert index.unreadable == ()
    assert index.reader(0).size == ((198, 198) if variant == "iconic" else index.reader(0).size)
