"""Pictures as a person names them: files, folders, links, and what cannot be read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fewshot_bench.data.decode import open_rgb
from fewshot_bench.data.scan import Scan
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.prediction.pictures import find_pictures, index_pictures

Draw = Callable[..., Path]


def test_files_as_named_and_folders_at_any_depth_each_once(tmp_path: Path, draw: Draw) -> None:
    names = ["10.png", "2.PNG", "ü ü/a/b/c.webp", "ü ü/x.gif", ".hidden.png", ".dir/a.png", "notes.txt.png"]
    for seed, name in enumerate(names):
        draw(tmp_path / "new" / name, seed)
    (tmp_path / "new" / "readme.txt").write_text("text")
    odd = tmp_path / "new" / "readme.txt"
    found = find_pictures(
        [odd, tmp_path / "new" / "10.png", tmp_path / "new", tmp_path / "new" / ".." / "new"]
    )
    below = [path.relative_to(tmp_path / "new").as_posix() for path in found]
    assert below == ["readme.txt", "10.png", "2.PNG", "notes.txt.png", "ü ü/x.gif", "ü ü/a/b/c.webp"]


def test_linked_folders_are_entered_once(tmp_path: Path, draw: Draw) -> None:
    draw(tmp_path / "store" / "a.png", 1)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "one").symlink_to(tmp_path / "store")
    (tmp_path / "new" / "two").symlink_to(tmp_path / "store")
    (tmp_path / "store" / "loop").symlink_to(tmp_path / "new")
    assert find_pictures([tmp_path / "new"]) == [tmp_path / "new" / "one" / "a.png"]


def test_mistakes_are_sentences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"no file or folder .*nowhere"):
        find_pictures([tmp_path / "nowhere"])
    with pytest.raises(UsageError, match=r"empty holds no picture \(jpg"):
        find_pictures([tmp_path / "empty"])

    def denied(path: Any) -> Any:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(FsbenchError, match=r"empty cannot be read \(permission denied\)"):
        find_pictures([tmp_path / "empty"])


def test_pictures_from_several_places_and_what_is_wrong_with_the_rest(tmp_path: Path, draw: Draw) -> None:
    good = [draw(tmp_path / "a" / "1.png", 1), draw(tmp_path / "b" / "c" / "2.png", 2)]
    bad, gone, link = tmp_path / "a" / "bad.png", tmp_path / "a" / "gone.png", tmp_path / "link.png"
    bad.write_bytes(b"no picture")
    link.symlink_to(good[1])
    index, defects = index_pictures([good[0], bad, gone, link, good[1]], Scan())
    assert defects == ["", "not a picture file", "cannot be opened: no such file or directory", "", ""]
    assert index is not None
    expected = [good[0], good[1], good[1]]
    assert [row.tobytes() for row in index.digests] == [
        hashlib.sha256(path.read_bytes()).digest() for path in expected
    ]
    for row, path in enumerate(expected):
        assert np.array_equal(np.asarray(index.reader(row)), np.asarray(open_rgb(path)))
    assert index_pictures([bad], Scan()) == (None, ["not a picture file"])
    assert index_pictures([gone], Scan())[0] is None


def test_places_that_share_nothing_but_the_root(
    tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = draw(tmp_path / "a.png", 1)
    monkeypatch.setattr(os.path, "commonpath", lambda places: os.sep)
    index, defects = index_pictures([path], Scan())
    assert defects == [""] and index is not None and index.reader(0).size == (12, 9)
