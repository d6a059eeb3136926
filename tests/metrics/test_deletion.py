"""Means without one class: against doing without the class; how often their intervals hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fewshot_bench.metrics.accuracy import predictions, ranks_of_truth
from fewshot_bench.metrics.deletion import all_ways, average, without_episodes, without_rivals

Drawn = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]


def scored(seed: int, episodes: int, classes: int, queries: int) -> Drawn:
    """Scores ``[E, Q, C]`` without ties, labels ``[E, Q]`` with padding, and the classes of each episode, permuted."""
    rng = np.random.default_rng(seed)
    labels = np.tile(np.repeat(np.arange(classes), queries), (episodes, 1))
    labels = rng.permuted(labels, axis=1)
    labels[:, -1] = np.where(rng.random(episodes) < 0.5, -1, labels[:, -1])
    scores = rng.normal(size=(*labels.shape, classes))
    scores += 1.5 * (np.arange(classes) == labels[..., None])
    return scores, labels, rng.permuted(np.tile(np.arange(classes), (episodes, 1)), axis=1)


def accuracy_without(name: int, drawn: Drawn) -> float:
    """The definition: the class's queries are left out, and its scores."""
    means = []
    for scores, labels, classes in zip(*drawn, strict=True):
        hits = []
        for row, label in zip(scores, labels, strict=True):
            if label < 0 or classes[label] == name:
                continue
            row = np.where(classes == name, -np.inf, row)
            hits.append(row.argmax() == label)
        means.append(np.mean(hits))
    return float(np.mean(means))


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(3, 7), st.integers(2, 4))
def test_a_class_deleted_from_all_ways_goes_with_its_queries_and_as_a_rival(
    seed: int, episodes: int, classes: int, queries: int
) -> None:
    drawn = scored(seed, episodes, classes, queries)
    scores, labels, names = drawn
    found = without_rivals(labels, predictions(scores, labels >= 0), ranks_of_truth(scores, labels), names)
    assert found.reason is None and all_ways(names)
    expected = [accuracy_without(name, drawn) for name in range(classes)]
    assert found.without == pytest.approx(expected, abs=1e-12)


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_means_without_a_class_are_over_the_episodes_that_lack_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    classes = np.stack([rng.permutation(9)[:3] for _ in range(60)])
    values = rng.random(60)
    found = without_episodes(values, classes)
    expected = [values[~(classes == c).any(axis=1)].mean() for c in range(9)]
    assert found.without == pytest.approx(expected)
    assert found.mean == pytest.approx(values.mean())


def test_the_average_of_trainings_is_that_of_their_vectors() -> None:
    rng = np.random.default_rng(0)
    classes = np.stack([rng.permutation(9)[:3] for _ in range(60)])
    first, second = (without_episodes(rng.random(60), classes) for _ in range(2))
    assert average([first, second]).without == pytest.approx((first.without + second.without) / 2)
    few = without_episodes(rng.random(60), classes % 4)
    assert "too few" in str(average([first, few]).reason)
