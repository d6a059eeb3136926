"""Which pretraining counts as having seen the evaluated classes, and that a record says so."""

from __future__ import annotations

import importlib
from dataclasses import replace

import pytest

import fewshot_bench as fb
from fewshot_bench.engine.contamination import contaminated


@pytest.mark.parametrize(
    ("pretraining", "expected"),
    [
        ("ImageNet-1k", ["ImageNet"]),
        ("Instagram-1B hashtags + ImageNet-1k", ["ImageNet"]),
        ("IMAGENET1K_SWAG_E2E_V1", ["ImageNet"]),
        ("ImageNet-1k, packshots (base classes)", ["ImageNet"]),
        ("none", []),
        ("none, miniimagenet (base classes)", []),
        ("LAION-2B", []),
    ],
)
def test_names_of_pretraining(pretraining: str, expected: list[str]) -> None:
    assert contaminated(pretraining, ("ImageNet",)) == expected
    assert contaminated(pretraining, ()) == []


@pytest.mark.slow
def test_a_record_says_what_its_weights_saw(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raw pixels name "none" as their pretraining, which stands in for any name here."""
    engine = importlib.import_module("fewshot_bench.engine.given")
    opened = engine.open_dataset
    assert fb.run("pixels", "digits", episodes=2, queries=1).contaminated == ()
    monkeypatch.setattr(engine, "open_dataset", lambda *a, **k: replace(opened(*a, **k), seen_by=("none",)))
    assert fb.run("pixels", "digits", episodes=2, queries=1).contaminated == ("none",)
