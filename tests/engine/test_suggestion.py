"""A folder of 1 to 5 pictures a product: every error prints a command that works."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from fewshot_bench.cli import guarded


@pytest.fixture
def shop(tmp_path: Path, draw, monkeypatch: pytest.MonkeyPatch) -> Path:
    for number, count in enumerate((1, 2, 3, 4, 5, 1, 2)):
        for i in range(count):
            draw(tmp_path / "my shop" / f"c {number}" / f"{i}.png", 10 * number + i)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "asked",
    [
        "--ways all --shots 1",
        "--ways all --shots 1 --drop-small",
        "--ways 7 --shots 1 --drop-small",
        "--ways 5 --shots 5 --drop-small",
        "--ways 5 --shots 5 --queries all",
        "--ways 3 --shots 9 --episodes 3",
        "--ways 6 --shots 1 --queries 1 --episodes 4",
        "--ways 5 --shots 1 --queries 3 --episodes 600 --drop-small",
        "",
    ],
)
def test_the_command_that_is_printed_works(shop, capsys, asked):
    line = ["run", "--method", "pixels", "--dataset", "my shop", "--results", "r", *shlex.split(asked)]
    assert guarded(line, debug=False) == 2
    error = capsys.readouterr().err
    printed = re.search(r"this works: `fsbench ([^`]+)`\.", error)
    assert printed is not None, error
    assert guarded([*shlex.split(printed[1]), "--results", "r"], debug=False) == 0, capsys.readouterr().err


def test_where_nothing_can_be_measured_it_says_what_is_missing(shop, capsys):
    for path in (shop / "my shop").rglob("[1-9].png"):
        path.unlink()
    line = ["run", "--method", "pixels", "--dataset", "my shop", "--results", "r"]
    assert guarded(line, debug=False) == 2
    assert "two classes need two different pictures each" in capsys.readouterr().err
