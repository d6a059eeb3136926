"""``fsbench datasets``: the card of what is here and of what is missing, and the exit status of a check."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from fewshot_bench.cli import guarded
from fewshot_bench.cli.datasets import command


def datasets(*words: object) -> Result:
    return CliRunner().invoke(command, list(map(str, words)), standalone_mode=False)


def folder(root: Path, classes: int = 3, images: int = 5) -> Path:
    """Class folders of pictures that are all different."""
    for c in range(classes):
        (root / f"class {c}").mkdir(parents=True)
        for i in range(images + c):
            pixels = np.random.default_rng([c, i]).integers(0, 256, (4, 4, 3), dtype=np.uint8)
            image = Image.fromarray(pixels).resize((40, 30), Image.Resampling.BICUBIC)
            image.save(root / f"class {c}" / f"{i}.png")
    return root


def test_the_card_of_a_folder(tmp_path: Path) -> None:
    root = folder(tmp_path / "my pictures")
    (root / "class 0" / "broken.jpg").write_bytes(b"no picture")
    done = datasets(root)
    lines = [" ".join(line.split()) for line in done.output.splitlines()]
    assert done.return_value == 0
    for line in (
        f"dataset {root}",
        "classes 3",
        "images 18, each for support or query",
        "per class min 5, median 6, max 7",
        "5 ██████████████████████████████ 1",
        "pictures PNG 18; mode RGB 18",
        "40×30 (18)",
        "unreadable 1",
        "class 0/broken.jpg: not a picture file",
        "groups each image its own",
    ):
        assert line in lines
    assert max(map(len, done.output.splitlines())) < 130


def test_the_card_as_json(tmp_path: Path) -> None:
    shown = json.loads(datasets(folder(tmp_path / "set"), "--json").output)
    assert shown["found"]["images_per_class"]["max"] == 7 and shown["place"] == str(tmp_path / "set")
    assert shown["variants"]["default"]["images"] == 18 and "missing" not in shown


@pytest.mark.parametrize("name", ["grozi120", "grocery-store", "folder", "csv", "kaggle-fashion:sub"])
def test_a_missing_set_still_has_a_card(tmp_path: Path, name: str) -> None:
    done = datasets(name, "--data-root", tmp_path)
    text = " ".join(done.output.split())
    assert done.return_value == 0 and "licence" in text and "layout" in text
    assert "missing" in text and ("is not here: looked for" in text or "reached by its" in text)
    shown = json.loads(datasets(name, "--data-root", tmp_path, "--json").output)
    assert shown["found"] is None and shown["place"] is None and shown["missing"].endswith(".")


def test_a_set_in_another_layout_says_what_was_found(tmp_path: Path) -> None:
    (tmp_path / "grozi120").mkdir()
    done = datasets("grozi120", "--data-root", tmp_path)
    text = " ".join(done.output.split())
    assert "missing" in text and "is not laid out as grozi120: there are no pictures" in text
    assert f"found {tmp_path / 'grozi120'}" in text


def test_variants_of_grozi_and_their_counts(real_data: Path) -> None:
    text = " ".join(datasets("grozi120", "--data-root", real_data).output.split())
    assert "(120 classes, 2,684 images)" in text and "it has no folder inVitro" in text
    assert "width 21 to 304 (median 102), height 16 to 455 (median 117)" in text


def test_a_check_prints_its_verdict_and_exits_with_it(tmp_path: Path) -> None:
    root = folder(tmp_path / "set")
    done = datasets(root, "--check")
    assert done.return_value == 0 and "An evaluation on it is sound, as far as it was checked." in done.output
    assert "not checked  pictures turned" in done.output and "unchecked  base data" in done.output
    with Image.open(root / "class 0" / "0.png") as image:
        image.save(root / "class 0" / "copy.jpg", quality=70)
    done = datasets(root, "--check", "--ways", 3, "--shots", 2, "--queries", 2)
    assert done.return_value == 1 and done.output.endswith("An evaluation on it would mislead.\n")
    assert "misleads   copies       2 of 19 queries" in done.output and "class 0/copy.jpg" in done.output
    done = datasets(root, "--check", "--shots", 9)
    assert done.return_value == 1 and "impossible class sizes  3 of 3 classes" in done.output


def test_a_check_as_json(tmp_path: Path) -> None:
    root, base = folder(tmp_path / "set"), folder(tmp_path / "base")
    done = datasets(root, "--check", "--json", "--base", base, "--shots", "2")
    report = json.loads(done.output)
    assert done.return_value == 1 and report["verdict"] == "misleads" and report["shots"] == 2
    assert [f["check"] for f in report["findings"] if f["verdict"] == "misleads"] == ["base data"]
    assert report["findings"][-1]["figures"]["equal"] == 18 and report["not_checked"]


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["--check"], 2, "--check needs the NAME of a data set"),
        (["digits", "--shots", "1"], 2, "--shots is an option of --check"),
        (["digits", "--drop-small"], 2, "--drop-small is an option of --check"),
        (
            ["digits", "--check", "--shots", "none"],
            2,
            "--shots must be a whole number from 1, or all, not 'none'",
        ),
        (["digits", "--check", "--base", "nothing"], 2, "There is no dataset named 'nothing'"),
        (["digits", "--check", "--split", "novel"], 2, "has no split 'novel'"),
        (["digits:x"], 2, "digits has no variant 'x'"),
        (["./nowhere"], 2, "there is no such folder or CSV file"),
        (["grozi120", "--check"], 1, "The data set grozi120 is not here"),
    ],
)
def test_mistakes_are_one_sentence(capsys, tmp_path, monkeypatch, words, status, sentence) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FSBENCH_DATA", str(tmp_path))
    got = guarded(["datasets", *words], debug=False)
    out, err = capsys.readouterr()
    assert (got, out) == (status, "") and sentence in err and "Traceback" not in err
    assert len([line for line in err.splitlines() if "Error" in line]) == 1
