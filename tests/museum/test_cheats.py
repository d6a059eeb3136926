"""Methods that want a better number than they deserve, each caught by a check that is named beforehand."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

import fewshot_bench as fb
from fewshot_bench.conformance.checks import CHECKS
from fewshot_bench.errors import FsbenchError
from tests.museum.catalogue import CHEATS

IN_PROCESS = [check.id for check in CHECKS if check.id != "setup-process"]


@pytest.fixture(autouse=True)
def generators():
    """Some of them use the global generators, which a check leaves as it finds them."""
    state = random.getstate(), np.random.get_state(), torch.random.get_rng_state()  # noqa: NPY002
    yield
    random.setstate(state[0])
    np.random.set_state(state[1])  # noqa: NPY002
    torch.random.set_rng_state(state[2])


def failures(name, only):
    report = fb.check(name, only=only, device="cpu")
    found = {trial.check: trial.text for trial in report.trials if trial.verdict == "fails"}
    assert not [text for text in found.values() if text.startswith("It raises")], (
        "caught by what it tries, and no other way"
    )
    return found


@pytest.mark.slow
def test_an_honest_method_passes_what_catches_the_others(museum):
    assert failures("honest", IN_PROCESS) == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, (_, check) in CHEATS.items() if check != "setup-process"])
def test_each_is_caught_by_the_check_that_is_named(museum, name):
    check = CHEATS[name][1]
    if check == "load":
        with pytest.raises(FsbenchError, match=f"The method '{name}' of fsbench-museum 1.0 has a "):
            failures(name, IN_PROCESS)
        return
    assert list(failures(name, [check])) == [check]


@pytest.mark.slow
@pytest.mark.subprocess
@pytest.mark.parametrize("name", [name for name, (_, check) in CHEATS.items() if check == "setup-process"])
def test_what_only_another_process_shows(museum, name):
    assert list(failures(name, ["setup-repeat", "setup-process"])) == ["setup-process"]


def test_there_are_many_and_every_check_catches_one():
    caught = {check for _, check in CHEATS.values()} - {"load"}
    assert len(CHEATS) >= 40 and {check.id for check in CHECKS} - caught == {"diagnostics"}
