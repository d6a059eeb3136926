"""Scanning: digests of contents, each file opened once, nothing outside the root, defects named."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fewshot_bench.data import scan as room
from fewshot_bench.data.scan import Scan, contents
from fewshot_bench.errors import FsbenchError

Draw = Callable[..., Path]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files read, in order."""
    names: list[str] = []
    read = room._read

    def noted(file: room._File) -> room._File:
        names.append(Path(file.path).name)
        return read(file)

    monkeypatch.setattr(room, "_read", noted)
    return names


def test_digests_are_those_of_the_files(tmp_path: Path, draw: Draw) -> None:
    paths = [draw(tmp_path / f"class {i}" / "bild ü.png", i) for i in range(3)]
    found = contents(tmp_path, [path.relative_to(tmp_path).as_posix() for path in paths], Scan())
    assert [row.tobytes() for row in found.digests] == [
        hashlib.sha256(path.read_bytes()).digest() for path in paths
    ]
    assert found.defects == ("", "", "")


def test_a_second_scan_opens_nothing(tmp_path: Path, draw: Draw, opened: list[str]) -> None:
    draw(tmp_path / "a.png", 1)
    (tmp_path / "b.png").write_bytes(b"damaged")
    first = contents(tmp_path, ["a.png", "b.png"], Scan())
    assert sorted(opened) == ["a.png", "b.png"]
    assert first.defects == ("", "not a picture file")
    second = contents(tmp_path, ["a.png", "b.png"], Scan())
    assert len(opened) == 2
    assert second.defects == first.defects
    assert (second.digests == first.digests).all()


def test_another_size_or_time_is_read_again(tmp_path: Path, draw: Draw, opened: list[str]) -> None:
    path = draw(tmp_path / "a.png", 1)
    old = contents(tmp_path, ["a.png"], Scan()).digests
    draw(path, 2, size=(20, 20))
    new = contents(tmp_path, ["a.png"], Scan()).digests
    assert opened == ["a.png", "a.png"]
    assert (old != new).any()


def test_verify_sees_a_change_that_size_and_time_hide(tmp_path: Path, opened: list[str]) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"first")
    before = path.stat()
    old = contents(tmp_path, ["a.png"], Scan()).digests
    path.write_bytes(b"other")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (contents(tmp_path, ["a.png"], Scan()).digests == old).all()
    verified = contents(tmp_path, ["a.png"], Scan(verify=True)).digests
    assert verified.tobytes() == hashlib.sha256(b"other").digest()
    assert (contents(tmp_path, ["a.png"], Scan()).digests == verified).all()
    assert len(opened) == 2


def test_another_pillow_is_given_a_chance_at_damaged_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: list[str]
) -> None:
    (tmp_path / "a.png").write_bytes(b"damaged")
    contents(tmp_path, ["a.png"], Scan())
    monkeypatch.setattr(room, "_DAMAGED", "does not decode, another version")
    contents(tmp_path, ["a.png"], Scan())
    assert opened == ["a.png", "a.png"]


def test_without_a_cache_the_result_is_the_same(
    tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(tmp_path / "a.png", 1)
    expected = contents(tmp_path, ["a.png"], Scan()).digests
    monkeypatch.setenv("FSBENCH_CACHE", str(tmp_path / "a.png" / "below a file"))
    with pytest.warns(UserWarning, match="cannot be used") as caught:
        found = contents(tmp_path, ["a.png"], Scan())
    assert (found.digests == expected).all()
    assert len(caught) == 1


def test_progress_counts_what_is_read(tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "AT_ONCE", 2)
    paths = [draw(tmp_path / f"{i}.png", i).name for i in range(5)]
    calls: list[tuple[int, int]] = []
    contents(tmp_path, paths, Scan(progress=lambda done, total: calls.append((done, total))))
    assert calls == [(2, 5), (4, 5), (5, 5)]
    contents(tmp_path, paths, Scan(progress=lambda done, total: calls.append((done, total))))
    assert len(calls) == 3


def test_a_stopped_scan_goes_on_where_it_was(
    tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch, opened: list[str]
) -> None:
    monkeypatch.setattr(room, "AT_ONCE", 2)
    paths = [draw(tmp_path / f"{i}.png", i).name for i in range(5)]

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        contents(tmp_path, paths, Scan(progress=stop))
    contents(tmp_path, paths, Scan())
    assert sorted(opened) == sorted(paths)


def test_a_file_that_cannot_be_read_is_a_defect(
    tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(tmp_path / "a.png", 1)

    def denied(path: str, most: int) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(room, "read_regular", denied)
    assert contents(tmp_path, ["a.png"], Scan()).defects == ("cannot be read: Permission denied",)


def test_links_inside_the_root_are_followed(tmp_path: Path, draw: Draw) -> None:
    draw(tmp_path / "root" / "a.png", 1)
    (tmp_path / "root" / "b.png").symlink_to("a.png")
    (tmp_path / "door").symlink_to("root")
    found = contents(tmp_path / "door", ["a.png", "b.png"], Scan())
    assert (found.digests[0] == found.digests[1]).all()


@pytest.mark.parametrize("path", ["../a.png", "sub/../../a.png", "link.png", "folder/a.png"])
def test_what_leads_out_of_the_root_is_refused(path: str, tmp_path: Path, draw: Draw) -> None:
    draw(tmp_path / "a.png", 1)
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "link.png").symlink_to(tmp_path / "a.png")
    (root / "folder").symlink_to(tmp_path)
    with pytest.raises(FsbenchError, match="leads out of the data set's folder"):
        contents(root, [path], Scan())
    with pytest.raises(FsbenchError, match="leads out of the data set's folder"):
        contents(root, [str(tmp_path / "a.png")], Scan())


def test_loops_folders_and_missing_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "folder.png").mkdir()
    for path, reason in (
        ("loop.png", "Too many levels of symbolic links"),
        ("none.png", "No such file"),
        ("none/none.png", "No such file"),
        ("folder.png", "is a folder and no picture"),
        (".", "is a folder and no picture"),
    ):
        with pytest.raises(FsbenchError, match=reason) as caught:
            contents(tmp_path, [path], Scan())
        assert repr(path) in str(caught.value)
