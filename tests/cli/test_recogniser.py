"""``fsbench fit``, ``fsbench products`` and ``fsbench predict --model`` as a person meets them."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
from pathlib import Path

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
