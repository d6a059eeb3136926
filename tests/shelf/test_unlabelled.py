"""Pictures without labels move an estimate towards the truth; references move it nowhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fewshot_bench.contract.context import Context
from fewshot_bench.contract.method import EmbeddingMethod
from fewshot_bench.engine.request import Request
from fewshot_bench.prediction.nearest import unit
from fewshot_bench.recogniser.making import embedding_method
from fewshot_bench.recogniser.references import References
from fewshot_bench.recogniser.scorer import Scorer
from fewshot_bench.shelf.decide import Candidate, decide
from fewshot_bench.shelf.estimate import Estimate
from fewshot_bench.shelf.unlabelled import Confidences, likeness, on_pictures, shifted


@given(st.floats(0, 1), st.floats(0, 0.5), st.floats(-1, 1))
def test_a_shifted_estimate_is_wider_and_within_bounds(value, half, shift):
    before = Estimate(value, max(0.0, value - half), min(1.0, value + half))
    after = shifted(before, shift)
    assert 0 <= after.low <= after.value <= after.high <= 1
    assert after.value == pytest.approx(np.clip(value + shift, 0, 1))
    reach = np.hypot(max(before.high - value, value - before.low), shift)
    assert after.low == pytest.approx(max(0, after.value - reach))


def test_the_difference_is_that_of_weighted_means_from_the_threshold_on():
    found = Confidences(
        held=np.array([0.9, 0.5, 0.2]),
        right=np.array([True, False, True]),
        weights=np.array([1.0, 3.0, 2.0]),
        likeness=np.array([1.0, 2.0, 0.5]),
        shown=np.array([0.6, 0.1]),
        held_cosine=np.array([0.8, 0.7, 0.1]),
        shown_cosine=np.array([0.7, 0.0]),
    )
    away = (1 * (1 - 0.9) + 6 * (0 - 0.5) + 1 * (1 - 0.2)) / 8
    assert found.moved() == pytest.approx(0.35 + away - 3 / 6)
    away = (1 * (1 - 0.9) + 6 * (0 - 0.5)) / 7
    assert found.moved(0.7) == pytest.approx(0.6 + away - 1 / 4)
    assert found.moved(0.75) == 0.0  # nothing shown is left
    told = on_pictures(found, Estimate(0.7, 0.6, 0.8), Estimate(0.9, 0.8, 1.0), 0.75)
    assert told.certain is None and told.accepted == 0 and told.pictures == 2
    assert on_pictures(found, Estimate(0.7, 0.6, 0.8), Estimate(0.9, 0.8, 1.0), 0.7).accepted == 0.5


def test_references_that_look_like_the_pictures_count_more():
    rng = np.random.default_rng(0)
    axis = np.eye(8, dtype=np.float32)
    shown = unit(axis[0] + 0.3 * rng.normal(size=(60, 8)))
    alike, icons = (
        unit(axis[0] + 0.3 * rng.normal(size=(20, 8))),
        unit(axis[1] + 0.3 * rng.normal(size=(20, 8))),
    )
    found = likeness(np.concatenate([alike, icons]), shown)
    assert found[:20].min() > found[20:].max()
    same = likeness(alike, shown)
    assert np.abs(np.log(same)).max() < 0.7  # of one kind: all count much alike
    assert (likeness(alike[:4], shown) == 1).all()


def ready(name: str, cache: Path) -> EmbeddingMethod:
    method = embedding_method(Request(name, ""))
    method.setup(Context(device="cpu", seed=0, cache=cache))
    return method


def shop(noise: float) -> tuple[References, np.ndarray, np.ndarray]:
    """References of 30 products, and vectors and labels of pictures that have ``noise`` times their spread."""
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 6, 30)
    labels = np.repeat(np.arange(30), counts).astype(np.int32)
    centres = rng.normal(size=(30, 16))
    vectors = (centres[labels] + 0.7 * rng.normal(size=(len(labels), 16))).astype(np.float32)
    digests = rng.integers(0, 256, (len(labels), 32)).astype(np.uint8)
    names = tuple(f"product {c:02}" for c in range(30))
    references = References(vectors, labels, digests, tuple(map(str, range(len(labels)))), names)
    truth = np.repeat(np.arange(30), 20)
    return references, (centres[truth] + 0.7 * noise * rng.normal(size=(600, 16))).astype(np.float32), truth


@pytest.mark.parametrize("noise", [1.0, 1.6])
def test_the_estimate_on_harder_pictures_is_nearer_to_the_truth(noise, tmp_path):
    references, shown, truth = shop(noise)
    method = ready("pretrained-proto", tmp_path)
    found = decide([Candidate("pretrained-proto", method, references, shown)])
    right = float((Scorer(method, references, "cpu").scores(shown).argmax(1) == truth).mean())
    assert found.on is not None
    assert found.on.accuracy.low <= right <= found.on.accuracy.high
    before, after = abs(found.grown[30].value - right), abs(found.on.accuracy.value - right)
    if noise > 1:
        assert found.on.moved < -0.05 and after < before
    else:
        assert abs(found.on.moved) < 0.06


@pytest.mark.slow
def test_votes_are_not_asked_for_probabilities_where_a_regression_of_the_same_encoder_is_there(tmp_path):
    references, shown, _ = shop(1.6)
    every = [
        Candidate(name, ready(name, tmp_path), references, shown)
        for name in ("pretrained-knn", "pretrained-lr")
    ]
    both, alone = decide(every), decide(every[1:])
    assert both.on is not None and alone.on is not None
    assert both.on.moved == pytest.approx(alone.on.moved)
