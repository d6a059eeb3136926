"""Omniglot in each of its layouts, its published splits, rotations, and the real small set."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fewshot_bench.data.index import ImageIndex
from fewshot_bench.datasets.held_out import held_out
from fewshot_bench.datasets.locate import load_dataset
from fewshot_bench.datasets.omniglot import Omniglot, vinyals
from fewshot_bench.datasets.splits import read_split
from fewshot_bench.errors import FsbenchError


def character(folder: Path, number: int, drawers: int = 2) -> None:
    """Drawings of one character: 1-bit pictures without symmetry, as published."""
    folder.mkdir(parents=True)
    for drawer in range(1, drawers + 1):
        ink = np.random.default_rng((number, drawer)).random((9, 9)) < 0.5
        Image.fromarray(ink).save(folder / f"{number:04d}_{drawer:02d}.png")


def splits_of(index: ImageIndex) -> dict[str, str]:
    return dict(zip(index.class_names, index.class_splits, strict=True))


@pytest.fixture
def complete(tmp_path: Path) -> Path:
    """Two background alphabets and one evaluation alphabet, as unzipped."""
    for number, name in enumerate(("background/Greek", "background/Latin", "evaluation/ULOG")):
        for c in (1, 2):
            character(tmp_path / f"images_{name}" / f"character{c:02d}", 10 * number + c)
    return tmp_path


@pytest.mark.parametrize("place", ["", "python", "omniglot-py"])
def test_the_published_alphabets_wherever_they_lie(complete: Path, tmp_path: Path, place: str) -> None:
    root = tmp_path / "root"
    (root / place).mkdir(parents=True)
    for folder in complete.glob("images_*"):
        folder.rename(root / place / folder.name)
    index = Omniglot().load(root)
    assert index.variant == "alphabets"
    assert index.notes[0].startswith("Pictures here: 12, published: 32,460;")
    assert splits_of(index) == {
        **{f"{a}/character0{c}": "base" for a in ("Greek", "Latin") for c in (1, 2)},
        **{f"ULOG/character0{c}": "novel" for c in (1, 2)},
    }
    assert np.bincount(index.labels).tolist() == [2] * 6
    assert index.paths[0] == f"{place}/images_background/Greek/character01/0001_01.png".lstrip("/")
    assert index.reader(0).size == (9, 9) and index.reader(0).mode == "RGB"


def test_small_sets_share_characters_and_have_held_out_ones(tmp_path: Path) -> None:
    for small, alphabets in (("small1", ("Greek", "Korean")), ("small2", ("Greek", "Sanskrit"))):
        for c, alphabet in enumerate(alphabets * 4):
            folder = tmp_path / f"images_background_{small}" / alphabet / f"character{c:02d}"
            character(folder, 100 * len(alphabet) + c)
    index = Omniglot().load(tmp_path)
    assert index.variant == "held-out" and "fixed draw" in index.notes[0]
    assert len(index.class_names) == 12 and len(index) == 24
    assert {path.split("/")[0] for path in index.paths if "Greek" in path} == {"images_background_small1"}
    assert Counter(index.class_splits) == {"novel": 2, "validation": 2, "base": 8}
    with pytest.raises(FsbenchError, match="so only omniglot:held-out can be had"):
        Omniglot().load(tmp_path, "vinyals")


def test_the_draw_is_fixed_and_disjoint() -> None:
    names = {f"Greek/character{c:02d}" for c in range(1, 25)}
    drawn = held_out(names)
    novel = sorted(name for name, split in drawn.items() if split == "novel")
    assert drawn == held_out({f"Greek/character{c:02d}" for c in range(24, 0, -1)})
    assert [name[-2:] for name in novel] == NOVEL_OF_GREEK
    assert Counter(drawn.values()) == {"novel": 5, "validation": 5, "base": 14}


NOVEL_OF_GREEK = ["01", "03", "13", "14", "22"]


def test_the_lists_of_vinyals_are_complete_and_disjoint() -> None:
    assert Counter(vinyals().values()) == {"base": 1028, "validation": 172, "novel": 423}
    sets = Counter[str]()
    for row in read_split("omniglot_vinyals"):
        sets[row["set"]] += int(row["last"]) - int(row["first"]) + 1
    assert sets == {"background": 964, "evaluation": 659}
    assert len({row["alphabet"] for row in read_split("omniglot_vinyals")}) == 50


@pytest.mark.slow
def test_the_split_of_vinyals(tmp_path: Path) -> None:
    home = {row["alphabet"]: row["set"] for row in read_split("omniglot_vinyals")}
    for number, name in enumerate(vinyals()):
        character(tmp_path / f"images_{home[name.split('/')[0]]}" / name, number, drawers=1)
    index = Omniglot().load(tmp_path, "vinyals")
    assert splits_of(index) == vinyals()
    last = tmp_path / "images_evaluation" / "ULOG" / "character26"
    (last / f"{len(vinyals()) - 1:04d}_01.png").unlink()
    with pytest.raises(FsbenchError, match=r"1 of the 1623 .* missing \(ULOG/character26\)"):
        Omniglot().load(tmp_path, "vinyals")


@pytest.mark.parametrize("split", ["alphabets", "held-out"])
def test_rotations_are_classes_of_the_same_split(complete: Path, split: str) -> None:
    plain = Omniglot().load(complete, split)
    index = Omniglot().load(complete, f"{split}-rotations")
    assert index.variant == f"{split}-rotations" and len(index) == 4 * len(plain) == len(set(index.paths))
    assert len({digest.tobytes() for digest in index.digests}) == len(index)
    turned = splits_of(index)
    assert len(turned) == 4 * len(plain.class_names)
    for name, side in splits_of(plain).items():
        assert {turned[f"{name}/rot{angle:03d}"] for angle in (0, 90, 180, 270)} == {side}
    for row, path in enumerate(index.paths):
        source, _, turn = path.partition("#")
        upright = np.asarray(plain.reader(plain.paths.index(source)))
        own = plain.digests[plain.paths.index(source)].tobytes()
        assert (
            index.class_names[index.labels[row]] == f"{'/'.join(source.split('/')[1:3])}/{turn or 'rot000'}"
        )
        quarters = int(turn[3:] or 0) // 90 if turn else 0
        assert np.array_equal(np.asarray(index.reader(row)), np.rot90(upright, quarters))
        expected = hashlib.sha256(own + turn.encode()).digest() if turn else own
        assert index.digests[row].tobytes() == expected


def test_rotations_of_a_part_read_the_right_picture(complete: Path) -> None:
    index = Omniglot().load(complete, "alphabets-rotations").only("novel")
    row = index.paths.index("images_evaluation/ULOG/character02/0022_02.png#rot180")
    upright = Image.open(complete / "images_evaluation/ULOG/character02/0022_02.png").convert("RGB")
    assert np.array_equal(np.asarray(index.reader(row)), np.asarray(upright)[::-1, ::-1])


def test_what_is_missing_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(FsbenchError, match="there is no folder of pictures images_background; expected"):
        Omniglot().load(tmp_path)
    character(tmp_path / "images_background" / "Greek" / "character01", 1)
    with pytest.raises(FsbenchError, match="it has images_background alone, so only omniglot:held-out"):
        Omniglot().load(tmp_path, "alphabets")


@pytest.mark.parametrize(("variant", "turns"), [(None, 1), ("held-out-rotations", 4)])
def test_the_real_small_set(real_data: Path, variant: str | None, turns: int) -> None:
    index = load_dataset(Omniglot(), data_root=real_data, variant=variant)
    assert (len(index), len(index.class_names)) == (2720 * turns, 136 * turns)
    assert set(np.bincount(index.labels).tolist()) == {20}
    alphabets = {name.split("/")[0] for name in index.class_names}
    assert alphabets == {"Balinese", "Early_Aramaic", "Greek", "Korean", "Latin"}
    assert Counter(index.class_splits) == {"base": 82 * turns, "validation": 27 * turns, "novel": 27 * turns}
    assert index.unreadable == () and index.reader(0).size == (105, 105)
