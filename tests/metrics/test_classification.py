"""Top-k accuracy, macro-F1 and calibration error, against scikit-learn and loops, and what must hold of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, top_k_accuracy_score

from fewshot_bench.errors import FsbenchError
from fewshot_bench.metrics import (
    accuracy_per_episode,
    episode_means,
    expected_calibration_error,
    macro_f1,
    top_k_hits,
)


def episodes(seed: int, e: int = 4, q: int = 30, n: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities [E, Q, N] that favour the label, and labels with padding of unequal length."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n, (e, q))
    logits = rng.normal(size=(e, q, n)) + 1.5 * np.eye(n)[labels]
    scores = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    for row in range(e):
        labels[row, q - row :] = -1
    scores[labels < 0] = 0.0
    return scores, labels


def slow_calibration_error(scores: np.ndarray, labels: np.ndarray, bins: int) -> float:
    """One episode, one bin and one query after the other."""
    error, queries = 0.0, [q for q in range(len(labels)) if labels[q] >= 0]
    for b in range(bins):
        inside = [q for q in queries if b / bins < max(scores[q]) <= (b + 1) / bins]
        if inside:
            accuracy = sum(int(np.argmax(scores[q])) == labels[q] for q in inside) / len(inside)
            confidence = sum(max(scores[q]) for q in inside) / len(inside)
            error += len(inside) / len(queries) * abs(accuracy - confidence)
    return error


@pytest.mark.parametrize("seed", range(5))
def test_all_three_agree_with_scikit_learn_and_a_loop(seed):
    scores, labels = episodes(seed)
    hits, f1, ece = (
        top_k_hits(scores, labels, 3),
        macro_f1(scores, labels),
        expected_calibration_error(scores, labels),
    )
    for row in range(len(labels)):
        there = labels[row] >= 0
        truth, own = labels[row][there], scores[row][there]
        assert np.nanmean(hits[row]) == pytest.approx(
            top_k_accuracy_score(truth, own, k=3, labels=range(own.shape[1]))
        )
        assert f1[row] == pytest.approx(f1_score(truth, own.argmax(1), average="macro"))
        assert ece[row] == pytest.approx(slow_calibration_error(own, truth, 15))


def test_a_class_without_queries_counts_for_f1_where_it_is_predicted_and_not_else():
    truth, said = np.array([[0, 0, 1, 1]]), np.array([[0, 2, 1, 1]])
    scores = np.eye(4)[said]
    assert macro_f1(scores, truth) == pytest.approx([f1_score(truth[0], said[0], average="macro")])
    assert macro_f1(scores, truth) == pytest.approx([(2 / 3 + 1 + 0) / 3])


def test_ties_go_to_the_lower_label_and_k_of_all_ways_is_one():
    scores, labels = np.zeros((1, 3, 3)), np.array([[0, 1, 2]])
    assert top_k_hits(scores, labels, 2).tolist() == [[1, 1, 0]]
    assert top_k_hits(scores, labels, 3).tolist() == [[1, 1, 1]]


def test_calibration_of_known_confidences():
    labels = np.array([[0] * 8 + [1] * 2])
    sure, eight = np.tile([1.0, 0.0], (1, 10, 1)), np.tile([0.8, 0.2], (1, 10, 1))
    assert expected_calibration_error(sure, labels) == pytest.approx([0.2])
    assert expected_calibration_error(eight, labels) == pytest.approx([0.0], abs=1e-12)
    with pytest.raises(FsbenchError, match=r"of probabilities, and a highest score is 3;"):
        expected_calibration_error(3 * sure, labels)
    with pytest.raises(FsbenchError, match=r"a highest score is -"):
        expected_calibration_error(-1 - eight, labels)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 8), q=st.integers(5, 20), k=st.integers(1, 8))
def test_what_must_hold_for_any_scores(seed, n, q, k):
    scores, labels = episodes(seed, 4, q, n)
    rng = np.random.default_rng(seed)
    order, classes = rng.permutation(q), rng.permutation(n)
    moved = scores[:, order][:, :, np.argsort(classes)]
    renamed = np.where(labels[:, order] >= 0, classes[labels[:, order].clip(min=0)], -1)
    wider = np.concatenate([scores, np.full((*scores.shape[:2], 2), -np.inf)], axis=2)
    wider[labels < 0] = 0.0
    for metric in (macro_f1, expected_calibration_error):
        values = metric(scores, labels)
        assert ((values >= 0) & (values <= 1)).all()
        assert metric(moved, renamed) == pytest.approx(values)
        assert metric(wider, labels) == pytest.approx(values)
    hits = episode_means(top_k_hits(scores, labels, k), labels)
    assert episode_means(top_k_hits(moved, renamed, k), renamed) == pytest.approx(hits)
    assert (hits >= accuracy_per_episode(scores, labels) - 1e-12).all()
    assert (hits <= episode_means(top_k_hits(scores, labels, k + 1), labels) + 1e-12).all()
    assert episode_means(top_k_hits(scores, labels, 1), labels) == pytest.approx(
        accuracy_per_episode(scores, labels)
    )
    perfect = np.eye(n)[labels.clip(min=0)]
    assert macro_f1(perfect, labels) == pytest.approx(1.0)
    assert expected_calibration_error(perfect, labels) == pytest.approx(0.0)


def test_an_episode_of_padding_has_no_value():
    scores, labels = np.zeros((1, 2, 3)), np.full((1, 2), -1)
    assert np.isnan(top_k_hits(scores, labels, 1)).all()
    assert np.isnan(macro_f1(scores, labels)).all()
    assert np.isnan(expected_calibration_error(scores, labels)).all()
