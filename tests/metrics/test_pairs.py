"""All pairs at once: against scipy's paired t-test and the jackknife of each difference; Holm's correction; ranks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fewshot_bench.metrics.deletion import without_episodes
from fewshot_bench.metrics.intervals import jackknife_interval
from fewshot_bench.metrics.pairs import (
    adjusted,
    better,
    holm,
    paired_episodes,
    paired_jackknife,
    rank_distribution,
    rank_ranges,
)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6))
def test_pairs_over_episodes_are_those_of_the_paired_t_test(seed: int, methods: int) -> None:
    values = np.random.default_rng(seed).random((methods, 30))
    pairs = paired_episodes(values)
    for i in range(methods):
        for j in range(methods):
            if i != j:
                test = stats.ttest_rel(values[i], values[j])
                assert pairs.p_values[i, j] == pytest.approx(test.pvalue, rel=1e-6, abs=1e-12)
                assert pairs.difference[i, j] == pytest.approx((values[i] - values[j]).mean())


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_pairs_over_classes_are_the_jackknife_of_each_difference(seed: int) -> None:
    rng = np.random.default_rng(seed)
    classes = np.stack([rng.permutation(12)[:5] for _ in range(80)])
    values = rng.random((4, 80))
    deleted = [without_episodes(v, classes) for v in values]
    pairs = paired_jackknife(np.array([d.mean for d in deleted]), np.stack([d.without for d in deleted]))
    for i, j in ((0, 1), (2, 3), (3, 0)):
        one = jackknife_interval(values[i] - values[j], classes)
        assert one.low is not None and one.high is not None
        half = stats.t.ppf(0.975, 11) * pairs.error[i, j]
        assert (one.low, one.high) == pytest.approx(
            (pairs.difference[i, j] - half, pairs.difference[i, j] + half)
        )


def test_equal_methods_have_no_difference_and_p_one() -> None:
    values = np.random.default_rng(0).random(40)
    pairs = paired_episodes(np.stack([values, values]))
    assert pairs.error[0, 1] == 0 and pairs.p_values[0, 1] == 1
    assert rank_ranges(better(pairs)) == [(1, 2), (1, 2)]


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_is_the_step_down_procedure(p_values: list[float]) -> None:
    found = holm(np.array(p_values))
    rejected: set[int] = set()
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    for step, place in enumerate(order):  # Holm 1979: go on while p ≤ α / (number left)
        if p_values[place] * (len(p_values) - step) > 0.05:
            break
        rejected.add(place)
    assert {i for i, p in enumerate(found) if p <= 0.05} == rejected
    assert (found >= np.array(p_values)).all() and (found <= 1).all()


def test_ranks_are_ranges_and_sure_ones_are_single() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(4, 200))
    pairs = paired_episodes(np.array([[3.0], [1.0], [1.001], [0.0]]) + 0.3 * noise)
    assert rank_ranges(better(pairs)) == [(1, 1), (2, 3), (2, 3), (4, 4)]
    assert (adjusted(pairs) == adjusted(pairs).T).all()


def test_the_chance_of_any_false_difference_is_kept() -> None:
    """Of 300 tables of 8 equal methods, at most 8 % have a pair that is called different: 5 % is promised."""
    rng = np.random.default_rng(1)
    false = sum(better(paired_episodes(rng.normal(size=(8, 40)))).any() for _ in range(300))
    assert false <= 24


def test_the_distribution_of_ranks_is_that_of_a_loop_over_draws():
    generator = np.random.default_rng(3)
    values = generator.random((4, 12)) + np.array([0.0, 0.05, 0.1, 0.4])[:, None]
    means = values.mean(axis=1)
    without = (
        values.sum(axis=1, keepdims=True) - values
    ) / 11  # of a plain mean, whose pseudo-values are the values
    found = rank_distribution(means, without, draws=500, seed=1)
    assert found.shape == (4, 4) and np.allclose(found.sum(axis=1), 1)
    weights = np.random.default_rng(1).multinomial(12, np.full(12, 1 / 12), size=500) / 12
    slow = np.zeros((4, 4))
    for draw in weights:
        drawn = [float(draw @ row) for row in values]
        for method, mean in enumerate(drawn):
            slow[method, sum(other > mean + 1e-12 for other in drawn)] += 1 / 500
    assert np.allclose(found, slow)
    assert np.isnan(rank_distribution(means, np.full((4, 12), np.nan))).all()
