"""The simulation that chose the interval over classes, made small."""

import importlib.util
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def loaded(name):
    path = Path(__file__).parents[2] / "benchmarks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"{name}_simulation", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_jackknife_covers_new_classes_and_the_interval_over_episodes_does_not():
    found = loaded("coverage").coverage(count=20, episodes=1_000, repetitions=60, unequal=0.4)
    closed, jackknife = (
        found[kind][0] for kind in ("over episodes (Student t)", "over classes (delete-one-class jackknife)")
    )
    assert jackknife > 0.85
    assert closed < jackknife - 0.4


def test_products_of_one_brand_are_no_independent_draws_and_the_interval_over_families_knows():
    module = loaded("coverage_families")
    over_classes, over_families = module.coverage(16, False, 1.0, 80, episodes=1_000)
    assert over_families > 0.85
    assert over_classes < over_families - 0.08
