import numpy as np
import pytest

from fewshot_bench.errors import FsbenchError
from fewshot_bench.metrics import accuracy_per_episode, predictions, ranks_of_truth


def test_counts_right_queries_and_no_padding():
    scores = np.array([[[3, 1, 2], [0, 5, 4], [1, 1, 0]], [[0, 0, 1], [9, 9, 9], [2, 0, 0]]], dtype=float)
    labels = np.array([[0, 2, 0], [2, -1, 1]])
    assert accuracy_per_episode(scores, labels) == pytest.approx([2 / 3, 1 / 2])


def test_ties_go_to_the_lowest_label():
    assert predictions(np.array([[[1.0, 1.0, 0.0], [0.0, 2.0, 2.0]]])).tolist() == [[0, 1]]


def test_padded_classes_and_queries_are_not_looked_at():
    scores = np.array([[[0.5, -np.inf], [np.nan, np.nan]]])
    assert predictions(scores, np.array([[True, False]])).tolist() == [[0, -1]]
    assert accuracy_per_episode(scores, np.array([[0, -1]])).tolist() == [1.0]


def test_nan_scores_are_refused():
    scores = np.zeros((2, 3, 4))
    scores[1, 2, 0] = np.nan
    with pytest.raises(
        FsbenchError, match=r"^1 of 6 queries have a score that is not a number .* at \[1, 2\]"
    ):
        predictions(scores)
    with pytest.raises(FsbenchError, match="1 of 6 queries"):
        accuracy_per_episode(scores, np.zeros((2, 3), dtype=int))


def test_an_episode_of_padding_has_no_accuracy():
    assert np.isnan(accuracy_per_episode(np.zeros((1, 2, 3)), np.full((1, 2), -1))).all()


def test_the_rank_of_the_truth_counts_the_classes_before_it():
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 4, (5, 7, 6)).astype(float)  # many ties
    labels = rng.integers(-1, 6, (5, 7))
    found = ranks_of_truth(scores, labels)
    for e, q in np.ndindex(5, 7):
        order = sorted(range(6), key=lambda n: (-scores[e, q, n], n))
        assert found[e, q] == (-1 if labels[e, q] < 0 else order.index(labels[e, q]))
    valid = labels >= 0
    assert np.array_equal((found == 0)[valid], (predictions(scores, valid) == labels)[valid])
