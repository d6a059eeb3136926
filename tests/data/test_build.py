"""Building an index: natural order, unreadable pictures and emptied classes named, lazy reading."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fewshot_bench.data.build import Row, build_index, natural, read_rows
from fewshot_bench.data.decode import open_rgb
from fewshot_bench.data.index import BOTH, QUERY, SUPPORT, ImageIndex
from fewshot_bench.errors import FsbenchError

Draw = Callable[..., Path]


def test_natural_order() -> None:
    names = ["video10", "video2", "Video3", "10", "9", "a1b10", "a1b9", "", "007", "7"]
    expected = ["", "007", "7", "9", "10", "Video3", "a1b9", "a1b10", "video2", "video10"]
    assert sorted(names, key=natural) == expected


@given(st.lists(st.text(alphabet="a0127٣", max_size=6), unique=True))
def test_natural_order_tells_all_names_apart(names: list[str]) -> None:
    assert len({str(natural(name)) for name in names}) == len(names)


@pytest.fixture
def small(tmp_path: Path, draw: Draw) -> ImageIndex:
    rows = [
        Row("c10/a.png", "c10", SUPPORT, "clip", 3, "novel"),
        Row("c2/a.png", "c2", QUERY, None, 1, "base"),
        Row("c2/b.png", "c2", BOTH, None, 2, "base"),
        Row("c2/copy.png", "c2", BOTH, None, 9, "base"),
        Row("c10/b.png", "c10", BOTH, "clip", 4, "novel"),
        Row("c10/bad.png", "c10", BOTH, "clip", 5, "novel"),
        Row("c3/bad.png", "c3"),
        Row("c10/same as c2.png", "c10", BOTH, None, 5, "novel"),
    ]
    for seed, row in enumerate(rows):
        draw(tmp_path / row.path, seed)
    (tmp_path / "c2/copy.png").write_bytes((tmp_path / "c2/b.png").read_bytes())
    (tmp_path / "c10/same as c2.png").write_bytes((tmp_path / "c2/a.png").read_bytes())
    for path in ("c10/bad.png", "c3/bad.png"):
        (tmp_path / path).write_bytes(b"")
    return build_index("small", "default", read_rows(tmp_path, rows), guards={"c2": 4}, notes=["Mine."])


def test_all_arrays(small: ImageIndex) -> None:
    assert small.class_names == ("c2", "c10")
    assert small.class_splits == ("base", "novel")
    assert small.labels.tolist() == [1, 0, 0, 0, 1, 1]
    assert small.pools.tolist() == [SUPPORT, QUERY, BOTH, BOTH, BOTH, BOTH]
    assert small.groups.tolist() == [0, 1, 2, 2, 0, 3]
    assert small.positions.tolist() == [3, 1, 2, 9, 4, 5]
    assert small.guards.tolist() == [4, 0]
    kinds = [a.dtype for a in (small.labels, small.pools, small.groups, small.positions, small.guards)]
    assert kinds == [np.int32, np.uint8, np.int64, np.int64, np.int64]


def test_what_was_found_is_noted(small: ImageIndex) -> None:
    assert small.unreadable == (("c10/bad.png", "empty file"), ("c3/bad.png", "empty file"))
    assert small.notes == (
        "Mine.",
        "Pictures left out because they cannot be read: 2.",
        "Classes without a readable picture, left out: c3.",
        "Pictures identical to another of their class, joined to its group: 1.",
        "Contents that occur in more than one class: 1.",
    )


def test_pictures_are_opened_when_asked_for(small: ImageIndex, tmp_path: Path) -> None:
    assert np.array_equal(np.asarray(small.reader(4)), np.asarray(open_rgb(tmp_path / "c10/b.png")))
    (tmp_path / "c10/b.png").unlink()
    with pytest.raises(FsbenchError, match=r"b\.png cannot be read"):
        small.reader(4)


def test_links_join_groups(tmp_path: Path, draw: Draw) -> None:
    rows = [Row(draw(tmp_path / f"{i}.png", i).name, "c") for i in range(4)]
    index = build_index("n", "v", read_rows(tmp_path, rows), links=[(0, 3)])
    assert index.groups.tolist() == [0, 1, 2, 0]


def test_nothing_readable_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(FsbenchError, match=r"None of the 1 pictures .* \(the first, a.png: not a picture"):
        read_rows(tmp_path, [Row("a.png", "c")])
