import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fewshot_bench.errors import FsbenchError
from fewshot_bench.metrics import (
    Deletion,
    accuracy_deletion,
    accuracy_interval,
    ap_deletion,
    ap_interval,
    deletion_interval,
    episode_interval,
    episode_means,
    family_interval,
    jackknife_interval,
    paired_deletion_interval,
    paired_episode_interval,
    predictions,
    proportion_interval,
    ranks_of_truth,
)
from fewshot_bench.metrics.deletion import JACKKNIFE, without_episodes


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
    """Labels, predictions, ranks of the truth and classes of episodes that all have all classes, in random order."""
    generator = np.random.default_rng(seed)
    classes = np.array([generator.permutation(count) for _ in range(episodes)])
    labels = np.array([generator.permutation(np.repeat(np.arange(count), shots)) for _ in range(episodes)])
    scores = generator.normal(size=(*labels.shape, count)) + 2 * (np.arange(count) == labels[..., None])
    return labels, predictions(scores, labels >= 0), ranks_of_truth(scores, labels), classes


def test_all_ways_take_the_jackknife_that_deletes_rivals_and_say_so():
    labels, predicted, rank, classes = all_ways()
    interval = deletion_interval(accuracy_deletion(labels, predicted, rank, classes))
    assert interval.kind == "over classes (delete-one-class jackknife, the class deleted as a rival too)"
    assert interval.mean == pytest.approx((predicted == labels).mean())
    assert interval.low < interval.mean < interval.high


def test_all_ways_without_the_rank_of_the_truth_have_no_interval_over_classes():
    labels, predicted, _, classes = all_ways()
    interval = deletion_interval(accuracy_deletion(labels, predicted, None, classes))
    assert interval.low is None and interval.reason.startswith("The rank of the truth is not recorded")
    assert interval.mean == pytest.approx((predicted == labels).mean())
    ranked = deletion_interval(ap_deletion(np.ones(labels.shape), labels, classes))
    assert ranked.low is None and "all classes" in ranked.reason


def test_padding_and_undefined_values_do_not_count():
    labels, predicted, rank, classes = all_ways()
    more = [np.concatenate([x, np.full((4, 2), -1)], axis=1) for x in (labels, predicted, rank)]
    same = [deletion_interval(accuracy_deletion(*a, classes)) for a in ((labels, predicted, rank), more)]
    assert same[0] == same[1]


def test_two_classes_are_too_few():
    interval = deletion_interval(accuracy_deletion(*all_ways(count=2)))
    assert interval.low is None and interval.reason == "2 classes are too few for an interval over classes."


def test_fewer_ways_take_the_jackknife_of_episode_means():
    values, classes = drawn()
    labels = np.tile(np.arange(3), (len(values), 1))
    found = deletion_interval(ap_deletion(np.tile(values[:, None], (1, 3)), labels, classes))
    expected = jackknife_interval(values, classes)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_paired_intervals_are_those_of_the_differences():
    first, classes = drawn(seed=0)
    second = first - 0.01 + 0.001 * np.random.default_rng(1).standard_normal(len(first))
    paired = paired_episode_interval(first, second)
    assert paired.kind == "paired difference over episodes (Student t)"
    assert (paired.low, paired.high) == (lambda i: (i.low, i.high))(episode_interval(first - second))
    assert half(paired) < half(episode_interval(first)) / 10 and paired.excludes_zero
    over_classes = paired_deletion_interval(*(without_episodes(v, classes) for v in (first, second)))
    assert over_classes.kind == "paired difference over classes (delete-one-class jackknife)"
    assert over_classes.excludes_zero and over_classes.low > 0
    assert not paired_deletion_interval(*[without_episodes(first, classes)] * 2).excludes_zero


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


def test_the_interval_over_families_is_that_over_classes_where_each_class_is_a_family_of_its_own():
    deletion = Deletion(0.7, np.random.default_rng(0).uniform(0.6, 0.8, 20), JACKKNIFE)
    over_classes, over_families = deletion_interval(deletion), family_interval(deletion, np.arange(20))
    assert (over_families.low, over_families.high) == pytest.approx((over_classes.low, over_classes.high))


def test_the_interval_over_families_deletes_whole_families_where_the_mean_is_one_over_classes():
    values, family = np.array([0.9, 0.8, 0.1, 0.5, 0.4, 0.95, 0.3]), np.array([0, 0, 1, 2, 2, 2, 3])
    without = (values.sum() - values) / (len(values) - 1)
    found = family_interval(Deletion(float(values.mean()), without, JACKKNIFE), family)
    deleted = np.array([values[family != g].mean() for g in range(4)])
    error = np.sqrt(3 / 4 * ((deleted - values.mean()) ** 2).sum())
    freedom = 1 / ((np.bincount(family) / 7) ** 2).sum() - 1
    assert found.high - found.mean == pytest.approx(error * stats.t.ppf(0.975, freedom))


def test_two_families_have_no_interval_and_the_reason_counts_them():
    found = family_interval(Deletion(0.5, np.full(6, 0.5), JACKKNIFE), np.array([0, 0, 0, 1, 1, 1]))
    assert found.low is None and "2 families of 6 classes are too few" in found.reason
