"""A CSV of pictures: every column, and a sentence with the line for every mistake."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fewshot_bench.data.index import BOTH, QUERY, SUPPORT
from fewshot_bench.datasets.csv_file import CsvFile
from fewshot_bench.errors import FsbenchError, UsageError

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, draw: Callable[..., Path]) -> Write:
    """``write(text)`` makes the CSV file beside four pictures."""
    for seed, name in enumerate(("a.png", "b.png", "sub/c d.png", "ü, e.png")):
        draw(tmp_path / "set" / name, seed)

    def make(text: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / "set" / "my list.csv"
        path.write_text(text, encoding=encoding)
        return path

    return make


def test_path_and_label_are_enough(write: Write) -> None:
    index = CsvFile().load(write('path,label\na.png,x10\n\n"ü, e.png",x2\n./sub/c d.png,x10\n', "utf-8-sig"))
    assert index.name == "csv:my list"
    assert index.class_names == ("x2", "x10")
    assert index.paths == ("a.png", "ü, e.png", "sub/c d.png")
    assert index.labels.tolist() == [1, 0, 1]
    assert index.pools.tolist() == [BOTH] * 3
    assert index.groups.tolist() == [0, 1, 2]
    assert index.reader(0).mode == "RGB"


def test_all_columns(write: Write) -> None:
    text = """label, path, pool, group, position, guard, split
    x, a.png, support, g, 3, 5, base
    x, b.png, query, , -4, 5, base
    y, sub/c d.png, both, g, , , novel
    """
    index = CsvFile().load(write(text))
    assert index.pools.tolist() == [SUPPORT, QUERY, BOTH]
    assert index.groups.tolist() == [0, 1, 0]
    assert index.positions.tolist() == [3, -4, 0]
    assert index.guards.tolist() == [5, 0]
    assert index.class_splits == ("base", "novel")
    assert index.notes == ("Groups, pools, positions and splits are those of the CSV file.",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The header of .* is ''; it needs path and label"),
        ("path,class\na.png,x\n", "'path,class'; it needs path and label"),
        ("path,label,gruop\na.png,x,g\n", "'path,label,gruop'; it .* may have split, group"),
        ("path,label,label\na.png,x,y\n", "each once"),
        ("path,label\n", "lists no pictures"),
        ("path,label\na.png,x\nb.png\n", "Line 3 of .* has 1 fields and the header 2"),
        ("path,label\na.png,x\nü, e.png,x\n", "Line 3 of .* has 3 fields .* double quotes"),
        ("path,label\na.png,\n", "Line 2 of .* has an empty label"),
        ("path,label\n,x\n", "Line 2 of .* has an empty path"),
        ("path,label\na.png,x\nnone.png,x\n", "Line 3 of .* names 'none.png', which is not there"),
        ("path,label\na.png,x\n./a.png,y\n", "Line 3 of .* lists 'a.png' again, after line 2"),
        ("path,label,pool\na.png,x,gallery\n", "Line 2 of .* has pool 'gallery': write support, query"),
        ("path,label,split\na.png,x,fold1\n", "Line 2 of .*: split is 'fold1': write base \\(train, "),
        (
            "path,label,split\na.png,x,train\nb.png,x,test\n",
            "of pictures into train and test is said by pool",
        ),
        ("path,label,position\na.png,x,first\n", "Line 2 of .* has position 'first'"),
        ("path,label,guard\na.png,x,1.5\n", "Line 2 of .* has guard '1.5'"),
        ("path,label,split\na.png,x,base\nb.png,x,novel\n", "Line 3 of .* the class 'x' split novel"),
        ("path,label,guard\na.png,x,1\nb.png,x,2\n", "Line 3 of .* guard 2, an earlier line .* guard 1"),
        ("path,label\n../outside.png,x\n", "leads out of the data set's folder"),
        ('path,label\n"a.png,x\n', "cannot be read as UTF-8 CSV"),
    ],
)
def test_mistakes_are_one_sentence(text: str, message: str, write: Write) -> None:
    path = write(text)
    (path.parent.parent / "outside.png").touch()
    with pytest.raises(FsbenchError, match=message) as caught:
        CsvFile().load(path)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_utf8_csv(write: Write, tmp_path: Path) -> None:
    with pytest.raises(FsbenchError, match="cannot be read as UTF-8 CSV"):
        CsvFile().load(write("path,label\nü.png,x\n", "latin-1"))
    with pytest.raises(FsbenchError, match="cannot be read as UTF-8 CSV"):
        CsvFile().load(tmp_path / "none.csv")
    with pytest.raises(UsageError, match=r"--dataset PATH\.csv"):
        CsvFile().load(None)


def test_splits_under_other_libraries_names(write: Write) -> None:
    index = CsvFile().load(write("path,label,split\na.png,x,Train\nb.png,y,test\n"))
    assert dict(zip(index.class_names, index.class_splits, strict=True)) == {"x": "base", "y": "novel"}


@pytest.mark.parametrize("row", ["1,a,9999999999999999999999,0", "1,a,0,9999999999999999999999", "1,a,0,-1"])
def test_a_number_that_no_index_holds_is_a_sentence(row: str, tmp_path: Path, draw) -> None:
    draw(tmp_path / "1.png")
    path = tmp_path / "list.csv"
    path.write_text(f"path,label,position,guard\n{row.replace('1,', '1.png,', 1)}\n")
    with pytest.raises(FsbenchError, match=r"Line 2 of .*list\.csv has (position|guard)"):
        CsvFile().load(path)


def test_a_class_whose_name_cannot_be_printed_is_left_out_with_its_guard(tmp_path: Path, draw) -> None:
    for number in range(2):
        draw(tmp_path / f"{number}.png", number)
    (tmp_path / "list.csv").write_text("path,label\n0.png,a\n1.png,b\x08c\n")
    index = CsvFile().load(tmp_path / "list.csv")
    assert index.class_names == ("a",) and index.unreadable == (
        ("1.png", "its name has a control character"),
    )
