"""The simulation that chose the interval over classes, made small."""

import importlib.util
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def simulation():
    path = Path(__file__).parents[2] / "benchmarks" / "coverage.py"
    spec = importlib.util.spec_from_file_location("coverage_simulation", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_jackknife_covers_new_classes_and_the_interval_over_episodes_does_not(simulation):
    found = simulation.coverage(count=20, episodes=1_000, repetitions=60, unequal=0.4)
    closed, jackknife = (
        found[kind][0] for kind in ("over episodes (Student t)", "over classes (delete-one-class jackknife)")
    )
    assert jackknife > 0.85
    assert closed < jackknife - 0.4
