"""Snapshots: the same index without a look at the files, and never one that is out of date."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fewshot_bench.data import scan, snapshot
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.data.scan import Scan
from fewshot_bench.datasets import folder as room
from fewshot_bench.datasets.folder import Folder
from fewshot_bench.errors import FsbenchError

Draw = Callable[..., Path]


@pytest.fixture(autouse=True)
def small_and_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Snapshots of the smallest folders, and of those written a moment ago."""
    monkeypatch.setattr(snapshot, "LEAST", 1)
    monkeypatch.setattr(snapshot, "SETTLED", -3600.0)


@pytest.fixture
def root(tmp_path: Path, draw: Draw) -> Path:
    """Two classes with names that are hard to store, a copy, and a broken file."""
    shop = tmp_path / "my shop"
    for seed, name in enumerate(("Äpfel grün/a b.png", "Äpfel grün/c.png", "marke/x y/1.png")):
        draw(shop / name, seed)
    draw(shop / "marke" / os.fsdecode(b"\xff\xfe") / "2.png", 3)
    (shop / "Äpfel grün" / "copy.png").write_bytes((shop / "Äpfel grün" / "c.png").read_bytes())
    (shop / "Äpfel grün" / "bad.jpg").write_bytes(b"no picture")
    return shop


@contextmanager
def reading(monkeypatch: pytest.MonkeyPatch, expected: bool) -> Iterator[None]:
    """Whether the folder is walked inside."""
    walked: list[Path] = []
    walk = room.walk

    def noted(place: Path) -> Any:
        walked.append(place)
        return walk(place)

    with monkeypatch.context() as patch:
        patch.setattr(room, "walk", noted)
        yield
    assert bool(walked) == expected


def same(one: ImageIndex, other: ImageIndex) -> None:
    for name in ("name", "variant", "paths", "class_names", "class_splits", "notes", "unreadable", "test"):
        assert getattr(one, name) == getattr(other, name)
    for name in ("labels", "pools", "groups", "positions", "guards", "digests"):
        a, b = getattr(one, name), getattr(other, name)
        assert a.dtype == b.dtype and np.array_equal(a, b)
    assert one.fingerprint == other.fingerprint


def test_the_second_index_is_the_first_without_a_walk(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with reading(monkeypatch, True):
        first = Folder().load(root)
    with reading(monkeypatch, False):
        second = Folder().load(root)
    same(first, second)
    assert first.check is None and second.check is not None
    second.require_current()
    part = second.take_classes(np.array([1]))
    part.require_current(range(len(part)))
    fresh = ImageIndex(**{k: v for k, v in vars(second).items() if k != "fingerprint"})
    assert fresh.fingerprint == second.fingerprint
    pixels = [np.asarray(index.reader(1)).tolist() for index in (first, second)]
    assert pixels[0] == pixels[1]


@pytest.mark.parametrize("change", ["add", "remove", "rename", "replace", "repair", "folder", "deep"])
def test_a_changed_folder_is_read_again(
    change: str, root: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Folder().load(root)
    time.sleep(0.02)  # dates are some milliseconds apart
    old, new = root / "Äpfel grün" / "c.png", root / "Äpfel grün" / "new.png"
    if change == "add":
        draw(new, 9)
    elif change == "remove":
        old.unlink()
    elif change == "rename":
        old.rename(new)
    elif change == "replace":
        draw(root.parent / "other.png", 9).replace(old)
    elif change == "repair":
        (root / "Äpfel grün" / "bad.jpg").write_bytes(old.read_bytes())
    elif change == "folder":
        (root / "marke" / "empty").mkdir()
    else:
        draw(root / "marke" / "x y" / "3.png", 9)
    with reading(monkeypatch, True):
        second = Folder().load(root)
    assert (second.fingerprint, second.notes) != (first.fingerprint, first.notes)
    with reading(monkeypatch, False):
        same(second, Folder().load(root))


def test_a_file_overwritten_in_place_is_found_when_it_is_used(
    root: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Folder().load(root)
    time.sleep(0.02)
    draw(root / "Äpfel grün" / "a b.png", 9)
    second = Folder().load(root)
    assert second.fingerprint == first.fingerprint  # nobody looked at the file yet
    second.require_current([0, 1, 3])
    with pytest.raises(
        FsbenchError, match=r"overwritten after .* \(1, 'Äpfel grün/a b.png' first\): run the"
    ):
        second.require_current([1, 2])
    with reading(monkeypatch, True):
        assert Folder().load(root).fingerprint != first.fingerprint


def test_a_file_that_is_gone_where_no_folder_shows_it(root: Path, tmp_path: Path, draw: Draw) -> None:
    store = draw(root / ".store" / "deep" / "a.png", 5)
    (root / "marke" / "x y" / "link.png").symlink_to(store)
    Folder().load(root)
    store.unlink()
    index = Folder().load(root)
    with pytest.raises(FsbenchError, match="link.png"):
        index.require_current()


def test_verify_reads_everything_and_keeps_what_it_found(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = root / "Äpfel grün" / "a b.png"
    first = Folder().load(root)
    before, data = path.stat(), bytearray(path.read_bytes())
    data[-13] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with reading(monkeypatch, False):
        assert Folder().load(root).fingerprint == first.fingerprint
    with reading(monkeypatch, True):
        verified = Folder().load(root, scan=Scan(verify=True))
    assert verified.fingerprint != first.fingerprint
    with reading(monkeypatch, False):
        assert Folder().load(root).fingerprint == verified.fingerprint


@pytest.mark.parametrize("damage", [b"", b"PK", b"x" * 500])
def test_a_damaged_snapshot_is_made_anew(damage: bytes, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Folder().load(root)
    (kept,) = (Path(os.environ["FSBENCH_CACHE"]) / "indexes").iterdir()
    whole = kept.read_bytes()
    for bad in (damage, whole[: len(whole) // 2], whole.replace(b"fingerprint", b"fingerprunt")):
        kept.write_bytes(bad)
        with reading(monkeypatch, True):
            same(first, Folder().load(root))
        assert kept.read_bytes() != bad


def test_a_flipped_bit_never_gives_other_labels(root: Path) -> None:
    """One bit in 499 of the file, zip structure and headers of arrays among them."""
    first = Folder().load(root)
    (kept,) = (Path(os.environ["FSBENCH_CACHE"]) / "indexes").iterdir()
    whole = kept.read_bytes()
    for bit in range(0, 8 * len(whole), 499):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        kept.write_bytes(flipped)
        same(first, Folder().load(root))


def test_what_is_small_lately_changed_or_closed_has_no_snapshot(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(snapshot, "LEAST", 100)
        Folder().load(root)
    with monkeypatch.context() as patch:
        patch.setattr(snapshot, "SETTLED", 2.0)
        Folder().load(root)
    with monkeypatch.context() as patch:
        read = scan.read_regular

        def denied(path: str, most: int) -> bytes:
            if path.endswith("c.png"):
                raise PermissionError(13, "Permission denied")
            return read(path, most)

        patch.setattr(scan, "read_regular", denied)
        Folder().load(root, scan=Scan(verify=True))
    assert not (Path(os.environ["FSBENCH_CACHE"]) / "indexes").exists()


def test_folders_have_snapshots_of_their_own(root: Path, tmp_path: Path, draw: Draw) -> None:
    draw(tmp_path / "other" / "c" / "a.png", 1)
    one, other = Folder().load(root), Folder().load(tmp_path / "other")
    (tmp_path / "door").symlink_to(root)
    same(one, Folder().load(root))
    same(other, Folder().load(tmp_path / "other"))
    same(one, Folder().load(tmp_path / "door"))


def test_a_cache_that_cannot_be_written_costs_no_result(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Folder().load(root)
    monkeypatch.setenv("FSBENCH_CACHE", str(root / "Äpfel grün" / "c.png" / "below a file"))
    with pytest.warns(UserWarning, match="cannot be used"):
        same(first, Folder().load(root))
