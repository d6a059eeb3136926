"""Would an evaluation mislead? Sets with one thing wrong each, and the real ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fewshot_bench.audit.check as room
from fewshot_bench.audit.check import Asked, Audit, check
from fewshot_bench.audit.findings import Finding
from fewshot_bench.errors import UsageError


def photo(seed: int) -> Image.Image:
    """A picture of smooth coloured noise: no two of them are alike."""
    pixels = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((48, 48), Image.Resampling.BICUBIC)


def moment(image: Image.Image, seed: int) -> Image.Image:
    """The same scene in another moment, full of grain: a look-alike, and no copy."""
    shown = np.asarray(image, dtype=float) + np.random.default_rng(seed).normal(0, 24, (48, 48, 3))
    return Image.fromarray(shown.clip(0, 255).astype(np.uint8))


def write(root: Path, classes: int = 4, images: int = 6, start: int = 0) -> Path:
    """Class folders of photos, all different."""
    for c in range(classes):
        (root / f"{start}-{c}").mkdir(parents=True)
        for i in range(images):
            photo(start + 100 * c + i).save(root / f"{start}-{c}" / f"{i}.png")
    return root


def finding(report: Audit, name: str, place: int = 0) -> Finding:
    return [found for found in report.findings if found.check == name][place]


def test_a_set_of_different_pictures_is_sound(tmp_path: Path) -> None:
    report = check(Asked(str(write(tmp_path / "set"))))
    assert report.verdict == "sound"
    assert [(f.check, f.verdict) for f in report.findings] == [
        ("files", "sound"),
        ("class sizes", "sound"),
        ("copies", "sound"),
        ("look-alikes", "sound"),
        ("labels", "sound"),
        ("base data", "unchecked"),
    ]
    assert (
        finding(report, "look-alikes").text
        == "None of 24 queries has a look-alike that may be in its support."
    )


def test_copies_under_other_bytes_mislead(tmp_path: Path) -> None:
    root = write(tmp_path / "set")
    photo(0).save(root / "0-0" / "again.jpg", quality=60)
    report = check(Asked(str(root)))
    found = finding(report, "copies")
    assert report.verdict == found.verdict == "misleads"
    assert found.figures == {"queries": 25, "exposed": 2, "share_facing": pytest.approx(2 / 6 / 25)}
    assert set(found.examples[0]) == {"0-0/0.png", "0-0/again.jpg"}


def test_equal_files_are_one_group_and_no_harm(tmp_path: Path) -> None:
    root = write(tmp_path / "set")
    (root / "0-0" / "again.png").write_bytes((root / "0-0" / "0.png").read_bytes())
    assert check(Asked(str(root))).verdict == "sound"


def test_moments_of_one_scene_mislead_and_groups_mend_it(tmp_path: Path) -> None:
    root = write(tmp_path / "set", classes=3, images=6)
    for c in range(3):
        for i in range(3):
            moment(photo(100 * c + i), i).save(root / f"0-{c}" / f"{i}-later.png")
    report = check(Asked(str(root)))
    found = finding(report, "look-alikes")
    assert found.verdict == report.verdict == "misleads" and found.figures["exposed"] == 18
    assert found.figures["share_facing"] == pytest.approx(18 / 27 / 8)
    assert finding(report, "copies").verdict == "sound"
    lines = ["path,label,group"]
    for path in sorted(root.rglob("*.png")):
        label, number = path.parent.name, path.stem.removesuffix("-later")
        lines.append(f"{label}/{path.name},{label},{label}/{number}")
    (root / "list.csv").write_text("\n".join(lines))
    assert check(Asked(str(root / "list.csv"))).verdict == "sound"


def test_a_style_that_classes_share_is_told_from_scenes(tmp_path: Path) -> None:
    root = tmp_path / "set"
    for c in range(3):
        (root / str(c)).mkdir(parents=True)
        for i in range(6):
            moment(photo(0), 10 * c + i).save(root / str(c) / f"{i}.png")
    found = finding(check(Asked(str(root))), "look-alikes")
    assert found.verdict == "note" and "style of this set" in found.text
    assert found.figures["rate_between_classes"] > 0.1 * found.figures["rate_within_classes"] > 0


def test_one_picture_with_two_labels_misleads(tmp_path: Path) -> None:
    root = write(tmp_path / "set")
    photo(0).save(root / "0-1" / "again.jpg", quality=60)
    found = finding(check(Asked(str(root))), "labels")
    assert found.verdict == "misleads" and found.figures["exposed"] == 2


@pytest.mark.parametrize(
    ("broken", "verdict"), [(["0-0/0.png"], "note"), (["0-0/0.png", "0-1/0.png"], "misleads")]
)
def test_broken_files_mislead_from_one_percent_on(tmp_path: Path, broken: list[str], verdict: str) -> None:
    root = write(tmp_path / "set", classes=3, images=50)
    for path in broken:
        (root / path).write_bytes(b"broken")
    found = finding(check(Asked(str(root))), "files")
    assert (
        found.verdict == verdict and found.figures["unreadable"] == len(broken) and "0-0/0.png" in found.text
    )


def test_a_class_that_is_lost_misleads(tmp_path: Path) -> None:
    root = write(tmp_path / "set", classes=3, images=50)
    (root / "Lost Class").mkdir()
    (root / "Lost Class" / "1.png").write_bytes(b"")
    found = finding(check(Asked(str(root))), "files")
    assert found.verdict == "misleads" and "left out: Lost Class. Restore them." in found.text


def test_small_classes_are_impossible_or_dropped(tmp_path: Path) -> None:
    root = write(tmp_path / "set")
    for i in range(3):
        (root / "0-0" / f"{i}.png").unlink()
    report = check(Asked(str(root), shots=2, queries=2))
    assert report.verdict == "impossible" and "'0-0' (3 for support" in finding(report, "class sizes").text
    report = check(Asked(str(root), shots=2, queries=2, drop_small=True))
    assert report.verdict == "sound" and finding(report, "class sizes").verdict == "note"
    assert len(report.index.class_names) == 3
    assert check(Asked(str(root), ways=5)).verdict == "impossible"
    with pytest.raises(UsageError, match="shots"):
        check(Asked(str(root), shots=0))


def test_base_data_of_another_set(tmp_path: Path) -> None:
    root, other = write(tmp_path / "set"), write(tmp_path / "other", start=5000)
    assert finding(check(Asked(str(root), base=(str(other),))), "base data").verdict == "sound"
    photo(0).save(other / "5000-0" / "copy.jpg", quality=60)
    found = finding(check(Asked(str(root), base=(str(other),))), "base data")
    assert found.verdict == "misleads" and found.figures["copied"] == 1 and found.figures["equal"] == 0
    assert found.examples == (("0-0/0.png", "5000-0/copy.jpg"),)
    found = finding(check(Asked(str(root), base=(str(root),))), "base data")
    assert (
        found.verdict == "misleads"
        and found.figures["equal"] == 24
        and found.figures["class_names_in_common"] == 4
    )


def test_own_base_classes_of_a_split(tmp_path: Path) -> None:
    root = write(tmp_path / "set", classes=6)
    photo(500).save(root / "0-0" / "copy.jpg", quality=60)
    splits = ["novel", "novel", "validation", "base", "base", "base"]
    lines = ["path,label,split"]
    for path in sorted(root.rglob("*.*")):
        lines.append(f"{path.parent.name}/{path.name},{path.parent.name},{splits[int(path.parent.name[-1])]}")
    (root / "list.csv").write_text("\n".join(lines))
    report = check(Asked(str(root / "list.csv"), split="novel"))
    texts = [found.text for found in report.findings if found.check == "base data"]
    assert (
        "18 of its own base classes, 1 have a copy" in texts[0]
        and "6 of its own validation classes" in texts[1]
    )
    assert report.verdict == "misleads" and len(report.index.class_names) == 2


def test_all_shots_are_checked_on_train_and_test(tmp_path: Path) -> None:
    report = check(Asked(str(write(tmp_path / "set", images=10)), shots="all"))
    assert report.verdict == "sound" and finding(report, "copies").figures["queries"] == 8


@pytest.mark.slow
def test_what_was_not_compared_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "set"
    for c in range(2):
        (root / str(c)).mkdir(parents=True)
        for i in range(80):
            moment(photo(0), 100 * c + i).save(root / str(c) / f"{i}.png")
    monkeypatch.setattr(room, "CANDIDATES", 100)
    report = check(Asked(str(root)))
    assert f"96 of 160 pictures against {root}: too many are alike" in report.unchecked
    assert finding(report, "look-alikes").figures["queries"] == 64


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    check(Asked(str(write(tmp_path / "set"))), progress=lambda *stage: told.append(stage))
    assert told == [("scan", 24, 24), ("reading pictures", 24, 24), ("comparing pictures", 24, 24)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("grozi120", "sound"),
        ("grocery-store:natural", "sound"),
        ("omniglot:held-out", "sound"),
        ("kaggle-fashion", "sound"),
        ("{data}/grozi120/inSitu", "misleads"),
    ],
)
def test_verdicts_of_real_sets(real_data: Path, name: str, verdict: str) -> None:
    """GroZi-120's own adapter keeps frames of one moment apart; as a plain folder they leak."""
    assert check(Asked(name.format(data=real_data)), data_root=real_data).verdict == verdict
