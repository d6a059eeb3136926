"""``fsbench fit``, ``fsbench products`` and ``fsbench predict --model`` as a person meets them."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fewshot_bench.cli import guarded


@pytest.fixture
def shop(tmp_path: Path, draw, monkeypatch: pytest.MonkeyPatch) -> Path:
    for seed in range(7):
        draw(tmp_path / "shop" / f"c {seed % 3}" / f"{seed}.png", seed)
        draw(tmp_path / "new" / f"{seed}.png", 10 + seed)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(capsys, line: str) -> tuple[int, str, str]:
    status = guarded(shlex.split(line), debug=False)
    out, err = capsys.readouterr()
    return status, out, err


FIT = "fit shop -o shop.fsb --method pixels"


def test_fit_predict_add_rename_remove(capsys, shop):
    status, out, err = call(capsys, FIT)
    assert (status, out) == (0, "shop.fsb: 3 products, 7 references, pixels.\n")
    assert "of 7 references are recognised." in err and "The threshold is" in err
    _, table, _ = call(capsys, "predict --model shop.fsb new/1.png")
    assert "nearest reference" in table and re.search(r"c \d/\d.png 0\.\d\d", table)
    _, csv, _ = call(capsys, "predict --model shop.fsb new --images shop --format csv")
    rows = pd.read_csv(io.StringIO(csv))
    assert len(rows) == 14 and (rows.nearest != "").all() and rows.similarity.max() == pytest.approx(1)
    _, told, _ = call(capsys, "predict --model shop.fsb shop --format json")
    result = json.loads(told)["results"][0]
    assert result["nearest"] == "c 0/0.png" and result["similarity"] == pytest.approx(1, abs=1e-5)
    before = Path("shop.fsb").read_bytes()
    status, out, err = call(capsys, "products add shop.fsb double 'shop/c 1' --dry-run")
    assert status == 0 and out.startswith("'double' has 2 references. ")
    assert "Nothing was written" in err and Path("shop.fsb").read_bytes() == before
    assert call(capsys, "products add shop.fsb double new/1.png")[0] == 0
    assert call(capsys, "products rename shop.fsb double 'c 3'")[1].startswith("'double' is now 'c 3'.")
    _, out, _ = call(capsys, "products remove shop.fsb 'c 3'")
    assert out.endswith("shop.fsb: 3 products, 7 references.\n")


@pytest.mark.parametrize(
    ("line", "status", "sentence"),
    [
        ("fit shop -o no/where.fsb --method pixels", 2, "--output no/where.fsb must be a file"),
        ("fit shop -o new --method pixels", 2, "--output new must be a file"),
        ("fit shop -o x.fsb --method pixels --accept 2", 2, "--accept must be above 0"),
        ("fit nowhere -o x.fsb --method pixels", 2, "nowhere"),
        ("predict --model nowhere.fsb new", 2, "make one with `fsbench fit FOLDER -o nowhere.fsb`"),
        ("predict --model new/1.png new", 1, "new/1.png is no sound recogniser (it is no zip file)"),
        ("predict --model shop.fsb --method pixels new", 2, "leave --method out"),
        ("predict --model shop.fsb --reject new", 2, "--reject is settled"),
        ("predict --model shop.fsb --verify new", 2, "--verify is settled when a recogniser is fitted"),
        ("predict --model shop.fsb --train-seed 0 new", 2, "--train-seed is settled"),
        ("predict --model shop.fsb --train-dataset digits new", 2, "--train-dataset is settled"),
        ("predict --model shop.fsb --unlabelled digits new", 2, "--unlabelled is settled"),
        ("predict --model shop.fsb --reject-rate 0.1 new", 2, "--reject-rate is settled"),
        ("predict --model shop.fsb --set k=1 new", 2, "fsbench fit FOLDER -o FILE --set KEY=VALUE"),
        ("export nowhere.fsb --onnx out", 2, "make one with `fsbench fit FOLDER -o nowhere.fsb`"),
        ("export shop.fsb --onnx new", 2, "--onnx new is there already"),
        ("export shop.fsb --onnx no/where", 2, "must be a new folder"),
        ("export shop.fsb --onnx out --on nowhere", 2, "There is no file or folder nowhere"),
        ("predict --model shop.fsb", 2, "Missing option '--images'"),
        ("predict --support shop new", 2, "Missing option '--method'"),
        ("products add shop.fsb x nowhere", 2, "There is no file or folder nowhere"),
        ("products remove shop.fsb x", 2, "There is no product 'x'"),
    ],
)
def test_every_mistake_is_one_sentence(capsys, shop, line, status, sentence):
    assert call(capsys, FIT)[0] == 0
    before = {path: path.read_bytes() for path in shop.rglob("*") if path.is_file()}
    got, out, err = call(capsys, line)
    assert (got, out) == (status, "") and sentence in err and "Traceback" not in err
    assert {path: path.read_bytes() for path in shop.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "line",
    [
        "predict --model shop.fsb --method pixels new",
        "predict --model shop.fsb",
        "predict --method pixels --support shop",
        "predict --method pixels new",
    ],
)
def test_the_command_that_an_error_prints_works(capsys, shop, line):
    call(capsys, FIT)
    shop.joinpath("FOLDER").symlink_to(shop / "shop")
    _, _, err = call(capsys, line)
    printed = re.search(r"`fsbench ([^`]+)`", err)
    assert printed is not None
    assert call(capsys, printed[1])[0] == 0, printed[1]


def test_a_pipe_in_a_folder_is_named_in_its_row_and_the_others_are_classified(capsys, shop):
    call(capsys, FIT)
    os.mkfifo(shop / "new" / "pipe.png")
    status, out, _ = call(capsys, "predict --model shop.fsb new --format csv")
    assert status == 0
    (row,) = [line for line in out.splitlines() if "pipe.png" in line]
    assert "cannot be opened" in row and len(out.splitlines()) >= 8


def test_hostile_pictures_are_named_in_their_row_and_the_others_answered(capsys, shop):
    from PIL import Image

    assert call(capsys, FIT)[0] == 0
    odd = shop / "odd"
    odd.mkdir()
    os.mkfifo(odd / "a pipe.png")
    Image.new("1", (20_000, 20_000)).save(odd / "bomb.png")
    sound = (shop / "new" / "1.png").read_bytes()
    (odd / "cut.png").write_bytes(sound[: len(sound) // 2])
    Image.fromarray(np.arange(256, dtype=np.uint16).reshape(16, 16) * 257).save(odd / "deep.png")
    (odd / "empty.png").write_bytes(b"")
    (odd / "sound.png").write_bytes(sound)
    named = os.fsdecode(b"odd/\xff.png")
    try:
        Path(named).write_bytes(sound)
    except OSError:
        named = ""  # a file system of UTF-8 names alone
    status, out, _ = call(capsys, "predict --model shop.fsb odd --format json")
    assert status == 0
    found = {Path(row["path"]).name: row for row in json.loads(out)["results"]}
    assert len(found) == 6 + bool(named)
    defects = {name: row.get("unreadable", "") for name, row in found.items()}
    assert "too large" in defects["bomb.png"] and "empty file" in defects["empty.png"] and defects["cut.png"]
    assert "pipe" in defects["a pipe.png"]
    assert not defects["deep.png"] and not defects["sound.png"] and found["deep.png"]["top"]
    if named:
        (row,) = [row for name, row in found.items() if name not in (*os.listdir(odd), "sound.png")]  # noqa: PTH208
        assert row["top"] == found["sound.png"]["top"]


def test_a_method_may_be_a_class_or_an_instance(shop):
    import fewshot_bench as fb
    from fewshot_bench.api import EmbeddingMethod, KNearest, PixelEncoder

    class Unlisted(EmbeddingMethod):
        api_version = 1
        name = "unlisted"
        summary = "toy"

        def setup(self, context):
            self.encoder, self.head = PixelEncoder(size=8), KNearest()

    for method in (Unlisted, Unlisted()):
        made = fb.fit(shop / "shop", method)
        assert made.recipe["method"] == "unlisted" and len(made.predict(shop / "new")) == 7
    made.save(shop / "x.fsb")
    with pytest.raises(fb.UsageError, match="unlisted"):
        fb.load(shop / "x.fsb")
    with pytest.raises(fb.UsageError, match="A method is a name, a class or an instance"):
        fb.fit(shop / "shop", 3)
