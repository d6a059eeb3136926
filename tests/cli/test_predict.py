"""``fsbench predict`` as a person meets it: table, CSV, JSON, a file, and one sentence for every mistake."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fewshot_bench.cli import guarded


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three classes of two references, a new picture of the second, one of none, a broken one, a reference."""
    rng = np.random.default_rng(0)
    looks = rng.integers(40, 210, (4, 12, 12, 3))

    def save(path: str, look: int) -> None:
        noisy = np.clip(looks[look] + rng.integers(-15, 16, looks[0].shape), 0, 255).astype(np.uint8)
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noisy).save(tmp_path / path)

    for c, name in enumerate(["Äpfel", "brand/b [1]", "c"]):
        for i in range(2):
            save(f"shop/{name}/{i}.png", c)
    save("new/1 ü.png", 1)
    save("new/2.png", 3)
    (tmp_path / "new" / "3.jpg").write_bytes(b"no picture")
    (tmp_path / "new" / "4.png").write_bytes((tmp_path / "shop" / "c" / "0.png").read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(capsys, *words: object) -> tuple[int, str, str]:
    base = ["predict", "--method", "pixels", "--support", "shop"]
    status = guarded([*base, *map(str, words)], debug=False)
    out, err = capsys.readouterr()
    return status, out, err


def test_a_table_for_a_person_and_the_rest_on_stderr(capsys, shop):
    status, out, err = call(capsys, "--images", "new", "--reject")
    assert status == 0
    lines = [" ".join(line.split()) for line in out.splitlines() if "new/" in line]
    assert lines[0].startswith("new/1 ü.png brand/b [1] 1.1")
    assert lines[1].startswith("new/2.png (none of these) ")
    assert lines[2] == "new/3.jpg unreadable: not a picture file"
    assert lines[3].startswith("new/4.png c ") and lines[3].endswith("same as reference c/0.png")
    said = err.splitlines()
    assert said[0] == "1 of 4 pictures cannot be read: new/3.jpg (not a picture file)."
    assert said[1] == "Pictures that are among the references themselves: 1 of 4."
    assert said[2].startswith("Rejected: 1 of 3. The threshold is -")
    assert (
        "of 6 scored without themselves, it rejects 0 %; of 6 scored without their class, it accepts"
        in said[2]
    )
    assert said[3].startswith("That was measured on references") and len(said) == 4


def test_csv_and_json_say_the_same_to_stdout_and_to_a_file(capsys, shop):
    _, out, _ = call(capsys, "--images", "new", "--reject", "--format", "csv", "--top", "2")
    rows = pd.read_csv(io.StringIO(out), keep_default_na=False)
    assert rows.path.tolist() == ["new/1 ü.png", "new/2.png", "new/3.jpg", "new/4.png"]
    assert rows.class_1[0] == "brand/b [1]" and rows.class_1[2] == "" and rows.score_1[2] == ""
    assert rows.rejected.tolist() == ["False", "True", "", "False"]
    assert rows.unreadable[2] == "not a picture file" and rows.reference[3] == "c/0.png"
    _, out, _ = call(capsys, "--images", "new", "--reject", "--format", "json", "--top", "2")
    told = json.loads(out)
    assert told["reject"]["rate"] == 0.05 and told["score"] == "score" and told["unreadable"] == 1
    assert [r.get("top", [{"class": ""}])[0]["class"] for r in told["results"]] == rows.class_1.tolist()
    for style in ("json", "csv", "table"):
        _, expected, _ = call(capsys, "--images", "new", "--format", style)
        status, out, err = call(capsys, "--images", "new", "--format", style, "--output", "found.txt")
        assert (status, out) == (0, "") and err.startswith("Predictions: found.txt\n")
        assert (shop / "found.txt").read_text(encoding="utf-8") == expected


def test_several_files_as_a_shell_names_them(capsys, shop):
    words = ["--images", "new/2.png", "new/1 ü.png", "--format", "csv", "--images", "new/4.png", "new/2.png"]
    _, out, _ = call(capsys, *words)
    rows = pd.read_csv(io.StringIO(out))
    assert sorted(rows.path) == ["new/1 ü.png", "new/2.png", "new/4.png"]


@pytest.mark.skipif(os.name == "nt", reason="names there are Unicode")
@pytest.mark.parametrize("style", ["table", "csv", "json"])
def test_a_name_that_is_not_utf8(capsys, shop, style):
    (shop / "new" / "2.png").rename(shop / "new" / os.fsdecode(b"\xff2.png"))
    status, out, _ = call(capsys, "--images", "new", "--format", style)
    shown = "new/\\udcff2.png" if style == "table" else "new/\ufffd2.png"
    assert status == 0 and shown in out
    assert call(capsys, "--images", "new", "--format", style, "--output", "found")[0] == 0
    assert shown in (shop / "found").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        ([], 2, "Missing option '--images'"),
        (["--images", "nowhere"], 2, "Error: There is no file or folder nowhere"),
        (["--images", "new/3.jpg"], 1, "Error: None of the 1 pictures can be read"),
        (["--images", "new", "--support", "nowhere"], 2, "Error: --support nowhere is no folder"),
        (["--images", "new", "--support", "shop/c"], 1, "Error: shop/c holds no pictures in class folders"),
        (["--images", "new", "--top", "0"], 2, "Error: --top must be a whole number from 1, not 0."),
        (["--images", "new", "--reject-rate", "0.1"], 2, "Error: --reject-rate 0.1 goes with --reject"),
        (["--images", "new", "--reject", "--reject-rate", "-1"], 2, "at least 0 and below 1, not -1.0"),
        (["--images", "new", "--set", "k=40"], 2, "k"),
        (["--images", "new", "--output", "new"], 2, "Error: --output new must be a file"),
        (["--images", "new", "--output", "no/where.csv"], 2, "Error: --output no/where.csv must be a file"),
        (["--images", "new", "--method", "pixles"], 2, "did you mean pixels?"),
    ],
)
def test_every_mistake_is_one_sentence_on_stderr(capsys, shop, words, status, sentence):
    before = sorted(shop.rglob("*"))
    got, out, err = call(capsys, *words)
    assert (got, out) == (status, "")
    assert sentence in err and "Traceback" not in err
    assert len([line for line in err.splitlines() if "Error" in line]) == 1
    assert sorted(shop.rglob("*")) == before
