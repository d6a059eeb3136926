"""Temperature and separation, against what scipy, a grid and a simulation say."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from fewshot_bench.metrics.classification import expected_calibration_error
from fewshot_bench.recogniser.calibration import best_temperature, logits_of, separation, softened


@pytest.mark.parametrize("true", [0.2, 1.0, 7.0])
def test_the_temperature_that_made_the_labels_is_found_and_calibrates(true):
    rng = np.random.default_rng(0)
    logits = 3 * rng.normal(size=(6000, 8))
    labels = (softened(logits, true).cumsum(1) > rng.random((6000, 1))).argmax(1)
    found = best_temperature(logits[:3000], labels[:3000])
    assert found == pytest.approx(true, rel=0.1)
    error = expected_calibration_error(softened(logits[3000:], found)[None], labels[None, 3000:])
    assert error[0] < 0.03


def test_a_few_right_answers_do_not_ask_for_certainty():
    logits = np.eye(5) * 2
    found = best_temperature(logits, np.arange(5))
    assert 0.05 < softened(logits, found).max(1)[0] < 0.999


def test_probabilities_are_kept_by_a_temperature_of_one():
    p = softened(np.random.default_rng(0).normal(size=(4, 3)), 1.0)
    np.testing.assert_allclose(softened(logits_of(p, probabilities=True), 1.0), p)
    assert logits_of(np.zeros((1, 2)), probabilities=True).tolist() == [[pytest.approx(np.log(1e-12))] * 2]


def test_the_auroc_is_that_of_scikit_learn_with_ties():
    rng = np.random.default_rng(1)
    known, unknown = rng.integers(3, 9, 40).astype(float), rng.integers(0, 7, 30).astype(float)
    found = separation(known, unknown)
    wanted = roc_auc_score(np.repeat([1, 0], [40, 30]), np.concatenate([known, unknown]))
    assert found is not None and found.auroc == pytest.approx(wanted)
    assert found.told_apart and "are told apart" in str(found)


def test_the_interval_holds_the_auroc_of_the_population():
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(300):
        found = separation(rng.normal(1, 1, 40), rng.normal(0, 1, 40))
        assert found is not None
        held += found.low <= 0.7602 <= found.high  # Φ(1 / √2)
    assert 0.90 <= held / 300 <= 0.99


def test_what_cannot_be_told_apart_says_so_and_two_of_each_are_needed():
    rng = np.random.default_rng(3)
    found = separation(rng.normal(size=30), rng.normal(size=30))
    assert found is not None and not found.told_apart and "cannot be told apart" in str(found)
    assert separation(np.ones(1), np.ones(9)) is None
    few = separation(np.array([2.0, 3.0]), np.array([0.0, 1.0]))
    assert few is not None and few.auroc == 1 and few.low < 0.9
