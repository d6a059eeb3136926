"""Hostile input: a few tries of each family; ``python -m benchmarks.reliability.hostile`` tries thousands."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.reliability.hostile import MAKERS, NAMES, hostile
from fewshot_bench.cli import guarded


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_whatever_a_file_or_an_option_says_is_a_result_or_a_sentence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FSBENCH_CACHE", str(tmp_path / "cache"))
    assert len(NAMES) == len(MAKERS)
    (row,) = hostile(tmp_path, 15, seed=1, only=(name,))
    assert row.lost == [] and row.wrong == []
    assert row.tries >= 10 and row.equal + row.refused == row.tries


@pytest.mark.parametrize("output", ["", "/"])
def test_an_output_that_names_no_file_is_a_sentence(output: str, tmp_path: Path, capsys) -> None:
    words = ["episodes", "export", output, "--dataset", "digits", "--episodes", "2"]
    assert guarded(words, debug=False) == 1
    assert "it names no file" in capsys.readouterr().err


def test_a_null_character_is_a_sentence(capsys) -> None:
    assert guarded(["datasets", "a\0b"], debug=False) == 2
    assert (
        capsys.readouterr().err
        == "Error: The word a\\x00b has a null character, which no name and no number has.\n"
    )


LONG = "9" * 5000


@pytest.mark.parametrize(
    "line",
    [
        ["datasets", LONG],
        ["predict", "--method", "pixels", "--images", LONG, "--support", "."],
        ["predict", "--method", "pixels", "--images", ".", "--support", LONG],
        ["new-plugin", "toy", "--folder", LONG],
    ],
    ids=["data set", "images", "support", "folder"],
)
def test_a_name_that_no_file_can_have_is_a_sentence(line: list[str], capsys) -> None:
    assert guarded(line, debug=False) in (1, 2)
    error = capsys.readouterr().err
    assert "too long" in error and "traceback" not in error and len(error) < 6000
