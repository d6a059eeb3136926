"""GroZi-120 in its published layout, made small with its quirks, and the real in-situ crops."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from fewshot_bench.data.build import Row, read_rows
from fewshot_bench.data.index import BOTH, QUERY, SUPPORT, ImageIndex
from fewshot_bench.data.near import near_duplicates, signatures
from fewshot_bench.data.scan import Scan
from fewshot_bench.datasets.grozi120 import Grozi120, product_names, shelf_videos
from fewshot_bench.datasets.locate import load_dataset
from fewshot_bench.errors import FsbenchError

Draw = Callable[..., Path]
NUMBERS = {2: [1, 2, 3, 10, 11, 20, 30, 31], 16: list(range(1, 15)), 100: [5, 6, 7]}


@pytest.fixture
def root(tmp_path: Path, draw: Draw) -> Path:
    """Three of the 120 products, the shelf part only."""
    root = tmp_path / "grozi120"
    for product, numbers in NUMBERS.items():
        for number in numbers:
            draw(root / "inSitu" / str(product) / "video" / f"video{number}.png", 1000 * product + number)
        (root / "inSitu" / str(product) / "video" / "Thumbs.db").write_bytes(b"thumbs")
    (root / "UPC_index.txt").write_bytes(
        b"List of products in the database, with UPC code\r\n\r\n2\r\n016000126121\r\nChex Mix\r\n"
        b"\r\n16 \r\n02217206 \r\ndoublemint gum \r\n\r\n121\r\n0\r\nnone\r\n"
    )
    return root


@pytest.fixture
def studio(root: Path, draw: Draw) -> Path:
    """The same with studio pictures, the corrupt one of product 16 among them."""
    for product in NUMBERS:
        web = root / "inVitro" / str(product) / "web"
        for n in (1, 2, 10):
            draw(web / "JPEG" / f"web{n}.jpg", 10 * product + n)
            draw(web / "PNG" / f"web{n}.png", 10 * product + n)
            draw(web / "masks" / f"mask{n}.png", n)
        (web / "JPEG" / "Thumbs.db").write_bytes(b"thumbs")
    (root / "inVitro" / "16" / "web" / "JPEG" / "web2.jpg").write_bytes(b"\xff\xd8\xff\xe0 corrupt")
    return root


def sides(index: ImageIndex, label: int) -> np.ndarray:
    """bool [m, m] of a class's images: may i be support while j is a query?"""
    rows = np.flatnonzero(index.labels == label)
    groups, positions = index.groups[rows], index.positions[rows]
    apart = np.abs(positions[:, None] - positions) >= index.guards[label]
    return (groups[:, None] != groups) & apart


def test_studio_pictures_are_support_as_soon_as_they_are_there(studio: Path) -> None:
    index = Grozi120().load(studio)
    assert index.variant == "in-vitro"
    assert index.class_names == ("002 Chex Mix", "016 doublemint gum", "100")
    assert np.bincount(index.labels[index.pools == SUPPORT]).tolist() == [3, 2, 3]
    assert np.bincount(index.labels[index.pools == QUERY]).tolist() == [8, 14, 3]
    assert index.guards.tolist() == [0, 0, 0]
    assert index.paths[0] == "inVitro/2/web/JPEG/web1.jpg"
    assert [path for path, _ in index.unreadable] == ["inVitro/16/web/JPEG/web2.jpg"]
    assert "Pictures left out because they cannot be read: 1." in index.notes
    assert not any("Thumbs" in path or "PNG" in path or "mask" in path for path in index.paths)


def test_numbers_sort_as_numbers(root: Path) -> None:
    index = Grozi120().load(root)
    assert index.variant == "in-situ"
    assert index.positions[index.labels == 0].tolist() == NUMBERS[2]
    assert index.paths[3] == "inSitu/2/video/video10.png"
    assert set(index.pools.tolist()) == {BOTH}


def test_the_two_protocols_have_two_fingerprints(studio: Path) -> None:
    official, alone = Grozi120().load(studio), Grozi120().load(studio, "in-situ")
    assert alone.variant == "in-situ"
    assert official.fingerprint != alone.fingerprint


def test_guards_and_blocks_without_clips(root: Path) -> None:
    index = Grozi120().load(root)
    assert index.guards.tolist() == [31 // 2, 14 // 2, 3 // 2]
    assert "3 of 3 classes" in index.notes[0]
    groups = dict(zip(NUMBERS[2], index.groups[index.labels == 0].tolist(), strict=True))
    # 31 numbers: guard 15, blocks of 15 // 6 = 2 numbers, counted from the first
    assert [groups[a] == groups[b] for a, b in ((1, 2), (2, 3), (10, 11), (30, 31))] == [
        True,
        False,
        False,
        False,
    ]


def test_long_classes_have_the_full_guard_and_blocks_of_three(tmp_path: Path, draw: Draw) -> None:
    for number in range(1, 101):
        draw(tmp_path / "inSitu" / "1" / "video" / f"video{number}.png", number)
    index = Grozi120().load(tmp_path)
    assert index.guards.tolist() == [20]
    assert index.groups.tolist() == [(number - 1) // 3 for number in range(1, 101)]


def test_near_duplicates_are_joined_only_where_the_guard_does_not_part_them(root: Path) -> None:
    video = root / "inSitu" / "2" / "video"
    shutil.copy(video / "video1.png", video / "video2.png")  # 1 apart: identical, so one group
    index = Grozi120().load(root)
    groups = dict(zip(NUMBERS[2], index.groups[index.labels == 0].tolist(), strict=True))
    assert groups[1] == groups[2]
    assert len(set(groups.values())) == 7

    def shaded(source: str, target: str) -> None:
        with Image.open(video / source) as image:
            ImageEnhance.Brightness(image).enhance(0.99).save(video / target)

    shaded("video1.png", "video3.png")  # 2 apart: the guard of 10 keeps them apart
    shaded("video1.png", "video30.png")  # 29 apart: joined
    index = Grozi120().load(root)
    groups = dict(zip(NUMBERS[2], index.groups[index.labels == 0].tolist(), strict=True))
    assert groups[1] == groups[2] == groups[30] == groups[3]  # 3 and 30 are near-duplicates as well
    assert len({groups[n] for n in (1, 10, 11, 20, 31)}) == 5


def test_clips_are_the_groups_where_they_are_listed(root: Path) -> None:
    lines = ["1 10 0 0 5 5"] * 15 + ["2  7 0 0 5 5"] * 16 + [""]
    (root / "inSitu" / "2" / "coordinates.txt").write_text("\r\n".join(lines))
    (root / "inSitu" / "100" / "coordinates.txt").write_text("3 1 0 0 5 5\n" * 7)  # one clip alone
    index = Grozi120().load(root)
    assert index.groups[index.labels == 0].tolist() == [0] * 5 + [1] * 3
    assert index.guards.tolist() == [0, 14 // 2, 1]
    assert "2 of 3 classes" in index.notes[0]


def test_coordinates_and_names(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "coordinates.txt"
    path.write_text("4 100 1 2 3 4\n\n5 2 1 2 3 4\n")
    assert shelf_videos(path) == {1: "4", 3: "5"}
    names = product_names(root)
    assert len(names) == 120
    assert (names[1], names[2], names[120]) == ("001", "002 Chex Mix", "120")


def test_the_official_protocol_without_studio_pictures_is_refused(root: Path) -> None:
    with pytest.raises(FsbenchError, match="no folder inVitro, so only grozi120:in-situ"):
        Grozi120().load(root, "in-vitro")


@pytest.fixture(scope="module")
def real(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> ImageIndex:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FSBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        return load_dataset(Grozi120(), data_root=real_data)


def test_the_real_set(real: ImageIndex) -> None:
    assert (len(real), len(real.class_names)) == (2684, 120)
    counts = np.bincount(real.labels)
    assert (counts.min(), np.median(counts), counts.max()) == (12, 21, 30)
    assert real.class_names[0] == "001 Bausch & Lomb Renu All in One Multi Purpose Solution"
    assert all(len(name) > 4 for name in real.class_names)
    assert (real.variant, real.unreadable) == ("in-situ", ())
    assert real.reader(0).mode == "RGB"


def test_every_real_class_can_be_split(real: ImageIndex) -> None:
    most = np.array([sides(real, c).sum(axis=1).max() for c in range(120)])
    assert [int((most >= q).sum()) for q in (1, 5, 10)] == [120, 119, 95]


def test_no_near_duplicate_pair_of_the_real_set_can_stand_on_both_sides(
    real: ImageIndex, real_data: Path
) -> None:
    rows = [Row(path, real.class_names[c]) for path, c in zip(real.paths, real.labels, strict=True)]
    signed = signatures(read_rows(real_data / "grozi120", rows), Scan())
    found = 0
    for c in range(120):
        allowed = sides(real, c)
        for i, j in near_duplicates(signed[real.labels == c]):
            found += 1
            assert not allowed[i, j]
    assert found == 1861
