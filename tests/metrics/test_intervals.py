import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fewshot_bench.errors import FsbenchError
from fewshot_bench.metrics import (
    accuracy_interval,
    ap_interval,
    class_interval,
    episode_interval,
    episode_means,
    jackknife_interval,
    paired_class_interval,
    paired_episode_interval,
    proportion_interval,
    query_class_interval,
)


def drawn(episodes=200, ways=3, count=12, seed=0):
    generator = np.random.default_rng(seed)
    classes = np.argsort(generator.random((episodes, count)), axis=1)[:, :ways]
    ease = generator.random(count)
    return ease[classes].mean(axis=1) + 0.1 * generator.standard_normal(episodes), classes


def half(interval):
    return (interval.high - interval.low) / 2


def test_over_episodes_is_scipys_student_interval():
    values, _ = drawn()
    interval = episode_interval(values)
    low, high = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
    assert (interval.mean, interval.low, interval.high) == pytest.approx((values.mean(), low, high))
    assert half(interval) == pytest.approx((high - low) / 2)
    assert interval.kind == "over episodes (Student t)" and interval.reason is None


def test_one_episode_has_no_interval_over_episodes():
    interval = episode_interval(np.array([0.7]))
    assert interval.mean == 0.7 and interval.low is interval.high is None
    assert interval.reason == "One episode alone has no spread over episodes."
    assert not interval.excludes_zero


@settings(deadline=None)
@given(st.integers(2, 4), st.integers(7, 15), st.integers(0, 10**6))
def test_jackknife_is_the_formula_class_by_class(ways, count, seed):
    values, classes = drawn(120, ways, count, seed)
    present = np.unique(classes)
    without = [values[~(classes == c).any(axis=1)].mean() for c in present]
    variance = (len(present) - 1) / len(present) * sum((w - np.mean(without)) ** 2 for w in without)
    interval = jackknife_interval(values, classes)
    expected = stats.t.ppf(0.975, len(present) - 1) * variance**0.5
    assert half(interval) == pytest.approx(expected)
    assert (interval.low, interval.high) == pytest.approx(
        (values.mean() - expected, values.mean() + expected)
    )
    assert interval.kind == "over classes (delete-one-class jackknife)"


def test_jackknife_ignores_padding():
    values, classes = drawn()
    padded = np.concatenate([classes, np.full((len(classes), 2), -1)], axis=1)
    assert jackknife_interval(values, padded) == jackknife_interval(values, classes)


@pytest.mark.parametrize(("ways", "count", "has"), [(3, 5, False), (3, 6, True), (5, 7, False), (5, 8, True)])
def test_too_few_classes_give_a_reason(ways, count, has):
    interval = jackknife_interval(*drawn(200, ways, count))
    assert (interval.low is not None) == has
    assert (
        has
        or interval.reason
        == f"{count} classes are too few for the jackknife over classes of {ways}-way episodes."
    )


def test_a_class_in_every_episode_gives_a_reason():
    values, classes = drawn(30, 3, 12)
    interval = jackknife_interval(values, np.concatenate([classes, np.full((30, 1), 99)], axis=1))
    assert interval.low is None and "in every episode" in interval.reason


def all_ways(seed=0, episodes=4, count=20, shots=6):
    """Queries of all classes in every episode, in random order; a query's value depends on its class."""
    generator = np.random.default_rng(seed)
    classes = np.array([generator.permutation(count) for _ in range(episodes)])
    labels = np.array([generator.permutation(np.repeat(np.arange(count), shots)) for _ in range(episodes)])
    ease = generator.random(count)
    query_classes = np.take_along_axis(classes, labels, axis=1)
    return (
        (generator.random(labels.shape) < ease[query_classes]).astype(float),
        labels,
        classes,
        query_classes,
    )


def test_all_ways_take_the_bootstrap_and_say_so():
    values, labels, classes, query_classes = all_ways()
    interval = class_interval(values, labels, classes)
    assert interval == query_class_interval(values, query_classes)
    assert interval.kind == "over classes (bootstrap of the query's class, the others held fixed)"
    each = np.array([values[query_classes == c].mean() for c in range(20)])
    assert interval.mean == pytest.approx(values.mean())
    assert half(interval) == pytest.approx(1.96 * each.std() / 20**0.5, rel=0.05)
    assert interval.low < interval.mean < interval.high


def test_bootstrap_is_the_same_every_time_and_ignores_padding_and_undefined_values():
    values, labels, classes, _ = all_ways()
    padded = np.concatenate([values, np.full((4, 2), 7.0), np.full((4, 1), np.nan)], axis=1)
    more = np.concatenate([labels, np.full((4, 2), -1), np.zeros((4, 1), dtype=int)], axis=1)
    assert class_interval(padded, more, classes) == class_interval(values, labels, classes)


def test_bootstrap_of_unequal_counts_keeps_the_mean_over_episodes():
    values, labels, classes, _ = all_ways()
    labels[0, 40:] = -1
    interval = class_interval(values, labels, classes)
    assert interval.mean == pytest.approx(episode_means(values, labels).mean())


def test_two_classes_are_too_few_for_the_bootstrap():
    interval = query_class_interval(np.ones((1, 4)), np.array([[0, 1, 0, 1]]))
    assert interval.low is None and interval.reason == "2 classes are too few for an interval over classes."


def test_fewer_ways_take_the_jackknife_of_episode_means():
    values, classes = drawn()
    labels = np.tile(np.arange(3), (len(values), 1))
    found, expected = (
        class_interval(np.tile(values[:, None], (1, 3)), labels, classes),
        jackknife_interval(values, classes),
    )
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_paired_intervals_are_those_of_the_differences():
    first, classes = drawn(seed=0)
    second = first - 0.01 + 0.001 * np.random.default_rng(1).standard_normal(len(first))
    paired = paired_episode_interval(first, second)
    assert paired.kind == "paired difference over episodes (Student t)"
    assert (paired.low, paired.high) == (lambda i: (i.low, i.high))(episode_interval(first - second))
    assert half(paired) < half(episode_interval(first)) / 10 and paired.excludes_zero
    labels = np.tile(np.arange(3), (len(first), 1))
    wide = [np.tile(v[:, None], (1, 3)) for v in (first, second)]
    over_classes = paired_class_interval(*wide, labels, classes)
    assert over_classes.kind == "paired difference over classes (delete-one-class jackknife)"
    assert over_classes.excludes_zero and over_classes.low > 0
    assert not paired_class_interval(wide[0], wide[0], labels, classes).excludes_zero


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(FsbenchError, match="2 of 3 are not finite"):
        episode_interval(np.array([0.5, np.nan, np.inf]))
    with pytest.raises(FsbenchError, match=r"\(3,\) and \(2,\) cannot be paired"):
        paired_episode_interval(np.zeros(3), np.zeros(2))
    with pytest.raises(FsbenchError, match="episode 1 has no query with a value"):
        episode_means(np.array([[1.0, 0.0], [np.nan, 1.0]]), np.array([[0, 1], [0, -1]]))


@pytest.mark.slow
@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_of_a_proportion_is_wilsons(counts):
    hits, queries = counts
    found = proportion_interval(hits, queries)
    expected = stats.binomtest(hits, queries).proportion_ci(method="wilson")
    assert found.low == pytest.approx(expected.low, abs=1e-9)
    assert found.high == pytest.approx(expected.high, abs=1e-9)
    assert found.mean == hits / queries
    assert 0.0 <= found.low <= found.mean <= found.high <= 1.0


def test_ten_of_ten_is_no_more_than_all():
    labels = np.zeros((1, 10), dtype=int)
    found = accuracy_interval(np.ones((1, 10)), labels, over_pictures=True)
    assert (found.low, found.high) == (pytest.approx(0.7225, abs=1e-4), 1.0)
    assert found.kind == "over test pictures (Wilson)"


def test_the_protocol_decides_the_interval_and_not_whether_values_are_0_and_1():
    labels = np.array([[0, 1, 0, -1], [1, 1, 0, 0]])
    hits = np.array([[1.0, 0, 1, 7], [1, 1, 1, 1]])
    assert accuracy_interval(hits, labels, over_pictures=False).kind == "over episodes (Student t)"
    assert accuracy_interval(hits[:1], labels[:1], over_pictures=False).kind == "over test pictures (Wilson)"
    pooled = accuracy_interval(hits, labels, over_pictures=True)
    assert (pooled.kind, pooled.mean) == ("over test pictures (Wilson)", 6 / 7)
    whole = ap_interval(np.ones((1, 4)), labels[:1])  # every AP is 1, and still no proportion
    assert whole.low is None and whole.reason == "One episode alone has no spread over episodes."
    assert ap_interval(hits, labels) == accuracy_interval(hits, labels, over_pictures=False)
