import numpy as np
import pytest

from fewshot_bench.errors import FsbenchError
from fewshot_bench.metrics import accuracy_per_episode, predictions


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
