"""Measures of rejection, against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from fewshot_bench.errors import FsbenchError
from fewshot_bench.metrics.openset import area, rate_of_new, reject_threshold
from fewshot_bench.metrics.rejection import Auroc, RightAt90, UnknownAt90


def episode(seed: int, ways: int = 3, queries: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Scores [1, Q, 2 N] in steps, some of them tied; the last N classes are absent, and one query is padding."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2 * ways, (1, queries))
    labels[0, :2], labels[0, -1] = (0, ways), -1
    scores = rng.integers(0, 6, (1, queries, 2 * ways)) / 5.0
    scores[:, :, ways:] = -np.inf
    scores[labels < 0] = 0.0
    return scores, labels


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10**6))
def test_area_and_threshold_are_those_of_scikit_learn(seed: int) -> None:
    scores, labels = episode(seed)
    asked = labels[0] >= 0
    known, best = labels[0, asked] < 3, scores[0, asked].max(axis=1)
    assert Auroc()(scores, labels) == pytest.approx([roc_auc_score(known, best)])
    fpr, tpr, _ = roc_curve(known, best, drop_intermediate=False)
    assert UnknownAt90()(scores, labels) == pytest.approx([fpr[np.flatnonzero(tpr >= 0.9 - 1e-12)[0]]])
    threshold = np.sort(best[known])[int(0.1 * known.sum() + 1e-9)]
    right = (scores[0, asked].argmax(axis=1) == labels[0, asked])[known]
    assert RightAt90()(scores, labels) == pytest.approx([(right & (best[known] >= threshold)).mean()])


def test_an_order_kept_changes_no_area() -> None:
    rng = np.random.default_rng(0)
    known, unknown = rng.normal(1, 1, 40), rng.normal(0, 1, 30)
    assert (
        area(known, unknown)
        == area(np.exp(known), np.exp(unknown))
        == pytest.approx(1 - area(unknown, known))
    )


def test_episodes_without_unknown_queries_are_a_sentence() -> None:
    scores, labels = np.zeros((1, 4, 2)), np.zeros((1, 4), dtype=int)
    for metric in (Auroc(), UnknownAt90(), RightAt90()):
        with pytest.raises(FsbenchError, match="--protocol open-set"):
            metric(scores, labels)


@pytest.mark.parametrize("count", [9, 19, 30, 100])
def test_the_rate_holds_for_a_new_score(count: int) -> None:
    rng = np.random.default_rng(count)
    rejected = []
    for _ in range(4000):
        known, new = rng.normal(size=count), rng.normal(size=20)
        rejected.append((new < reject_threshold(known, np.zeros(0), rate_of_new(count, 0.1)).value).mean())
    wanted = int((count + 1) * 0.1 + 1e-9) / (count + 1)
    assert np.mean(rejected) == pytest.approx(wanted, abs=4 * np.std(rejected) / 4000**0.5)
    assert wanted <= 0.1
    assert rate_of_new(5, 0.1) == rate_of_new(0, 0.1) == 0
