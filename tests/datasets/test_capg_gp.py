"""CAPG-GP as folders and as a table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fewshot_bench.data.index import QUERY, SUPPORT
from fewshot_bench.datasets.capg_gp import CapgGp
from fewshot_bench.errors import FsbenchError

Draw = Callable[..., Path]
PICTURES = [("train", "7up", 1), ("train", "Coca Cola", 1), ("test", "7up", 2), ("test", "Coca Cola", 3)]


def pictures(root: Path, draw: Draw) -> list[tuple[str, str, str]]:
    """(path, product, split) of one train picture a product and some test pictures."""
    rows = []
    for split, product, count in PICTURES:
        for i in range(count):
            path = f"{split}/{product}/{i}.jpg"
            draw(root / path, len(rows))
            rows.append((path, product, split))
    return rows


@pytest.mark.parametrize("table", [False, True])
def test_train_is_support_and_test_is_queries(tmp_path: Path, draw: Draw, table: bool) -> None:
    rows = pictures(tmp_path, draw)
    if table:
        for path, product, split in rows:
            (tmp_path / path).rename(tmp_path / f"{product} {split} {Path(path).name}")
        lines = [f"{label} {split} {Path(path).name},{label},{split}" for path, label, split in rows]
        (tmp_path / "list.csv").write_text("\n".join(["path,label,split", *lines]))
    index = CapgGp().load(tmp_path)
    assert index.class_names == ("7up", "Coca Cola")
    assert np.bincount(index.labels[index.pools == SUPPORT]).tolist() == [1, 1]
    assert np.bincount(index.labels[index.pools == QUERY]).tolist() == [2, 3]
    assert index.test is not None and np.array_equal(index.test, index.pools == QUERY)
    assert index.notes == ("Products here: 2, published: 102; figures on it are not those of the whole set.",)
    for path, label in zip(index.paths, index.labels.tolist(), strict=True):
        assert index.class_names[label] in path


def test_what_is_missing_is_one_sentence(tmp_path: Path, draw: Draw) -> None:
    with pytest.raises(FsbenchError, match="it has no train picture; expected"):
        CapgGp().load(tmp_path)
    draw(tmp_path / "train" / "7up" / "a.jpg", 1)
    with pytest.raises(FsbenchError, match="it has no test picture; expected"):
        CapgGp().load(tmp_path)
    (tmp_path / "a.csv").write_text("path,label,split\ntrain/7up/a.jpg,7up,val\n")
    with pytest.raises(FsbenchError, match="Line 2 of .*a.csv has the split 'val': write train or test"):
        CapgGp().load(tmp_path)
    (tmp_path / "b.csv").write_text("")
    with pytest.raises(FsbenchError, match="it has 2 CSV files"):
        CapgGp().load(tmp_path)
