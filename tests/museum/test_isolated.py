"""Cheats that no check finds: in one process they succeed, in a process of their own they score what is honest."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import fewshot_bench as fb
import fewshot_bench.engine.scoring as scoring
from fewshot_bench.errors import FsbenchError
from tests.museum.catalogue import IMPOSSIBLE

SMALL = {"ways": 5, "shots": 1, "queries": 4, "episodes": 10, "device": "cpu"}


@pytest.fixture(autouse=True)
def own_scoring(monkeypatch):
    """What a method replaces in the engine is put back."""
    for name in ("predictions", "ranks_of_truth"):
        monkeypatch.setattr(scoring, name, getattr(scoring, name))


def accuracy(name, **options):
    return fb.run(name, "digits", **SMALL, **options).accuracy.mean


@pytest.mark.slow
@pytest.mark.subprocess
@pytest.mark.parametrize("name", ["reads-the-frames", "replaces-the-scores"])
def test_one_that_is_perfect_in_process_is_honest_in_a_process_of_its_own(museum, name, monkeypatch):
    honest = accuracy("honest")
    assert honest < 0.95
    assert accuracy(name) == 1.0
    monkeypatch.undo()
    assert np.isclose(accuracy(name, isolated=True), honest)


@pytest.mark.slow
def test_a_check_does_not_find_it(museum):
    found = fb.check("behaves-when-checked", only=["own-rows", "query-alone", "batch"], device="cpu")
    assert found.sound and [trial.verdict for trial in found.trials] == ["holds"] * 3


@pytest.mark.slow
@pytest.mark.subprocess
def test_a_process_that_ends_is_a_failed_run(museum):
    with pytest.raises(FsbenchError, match="ends-the-process"):
        accuracy("ends-the-process", isolated=True)


def test_the_page_lists_them():
    page = (Path(__file__).parents[2] / "docs" / "museum.md").read_text(encoding="utf-8")
    part = page.partition("## Cheats that no check can find")[2]
    assert re.findall(r"^\| `([a-z-]+)` \|", part, re.MULTILINE) == [*IMPOSSIBLE]
