import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fewshot_bench.errors import FsbenchError
from fewshot_bench.metrics import (
    average_precision,
    class_score_ap,
    mean_average_precision,
    mean_precision_recall,
    pooled_precision_recall,
)

SIZES = st.tuples(st.integers(1, 6), st.integers(1, 30))


@st.composite
def rankings(draw):
    """Scores of few distinct values (so, with ties) or many, in either precision, and what is relevant."""
    shape = draw(SIZES)
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    distinct = draw(st.sampled_from([1, 2, 5, 10**6]))
    scores = generator.integers(0, distinct, shape) / distinct
    relevant = generator.random(shape) < draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    present = generator.random(shape) < draw(st.sampled_from([1.0, 0.6]))
    return scores.astype(draw(st.sampled_from([np.float32, np.float64]))), relevant, present


def sklearn_ap(scores, relevant):
    from sklearn.metrics import average_precision_score

    return average_precision_score(relevant, scores) if relevant.any() else np.nan


@pytest.mark.slow
@settings(deadline=None)
@given(rankings())
def test_ap_is_scikit_learns(case):
    scores, relevant, present = case
    expected = [sklearn_ap(s, r) for s, r in zip(scores, relevant, strict=True)]
    np.testing.assert_allclose(average_precision(scores, relevant), expected, atol=1e-9, rtol=0)
    expected = [sklearn_ap(s[p], r[p]) for s, r, p in zip(scores, relevant, present, strict=True)]
    np.testing.assert_allclose(average_precision(scores, relevant, present), expected, atol=1e-9, rtol=0)
    assert np.array_equal(
        average_precision(scores, relevant, present, memory=1),
        average_precision(scores, relevant, present),
        equal_nan=True,
    )


@given(rankings(), st.integers(0, 99))
def test_ap_does_not_depend_on_the_order_of_items(case, seed):
    scores, relevant, _ = case
    shuffled = np.random.default_rng(seed).permutation(scores.shape[1])
    np.testing.assert_array_equal(
        average_precision(scores, relevant), average_precision(scores[:, shuffled], relevant[:, shuffled])
    )


def test_five_tied_with_one_relevant_is_a_fifth():
    assert average_precision(np.ones((1, 5)), np.eye(1, 5, dtype=bool)).tolist() == [0.2]


def test_single_relevant_is_one_over_its_rank():
    scores = np.tile(np.arange(10, 0, -1.0), (10, 1))
    np.testing.assert_allclose(average_precision(scores, np.eye(10, dtype=bool)), 1 / np.arange(1, 11))


def test_nothing_relevant_is_nan_left_out_of_the_mean_and_counted():
    ap = average_precision(
        np.array([[3.0, 2.0], [2.0, 3.0], [1.0, 2.0]]), np.array([[1, 0], [0, 0], [1, 0]]) > 0
    )
    assert np.isnan(ap).tolist() == [False, True, False]
    assert mean_average_precision(ap) == (0.75, 2, 1)
    assert np.isnan(mean_average_precision(ap[1:2]).value)
    assert np.isnan(average_precision(np.zeros((2, 0)), np.zeros((2, 0), dtype=bool))).all()


def test_nan_scores_are_refused_unless_they_are_padding():
    scores, relevant = np.array([[1.0, np.nan]]), np.array([[True, False]])
    assert average_precision(scores, relevant, np.array([[True, False]])).tolist() == [1.0]
    for measure in (average_precision, pooled_precision_recall, mean_precision_recall):
        with pytest.raises(FsbenchError, match="1 of 1 queries have a score that is not a number"):
            measure(scores, relevant)


@given(
    st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 5)).flatmap(
        lambda shape: st.tuples(
            arrays(np.float64, shape, elements=st.sampled_from([0.0, 0.5, 1.0, 2.0])),
            arrays(np.int64, shape[:2], elements=st.integers(-1, shape[2] - 1)),
            arrays(np.int64, (shape[0], shape[2]), elements=st.integers(0, 4)),
        )
    )
)
def test_class_score_ap_is_ap_with_support_images_tied_by_class(case):
    scores, labels, counts = case
    found = class_score_ap(scores, labels, counts)
    for e, q in np.ndindex(*labels.shape):
        items, owner = np.repeat(scores[e, q], counts[e]), np.repeat(np.arange(len(counts[e])), counts[e])
        expected = average_precision(items[None], (owner == labels[e, q])[None])
        np.testing.assert_allclose(found[e, q], expected[0], atol=1e-12)


def test_class_score_ap_with_padded_classes():
    scores = np.array([[[0.2, 0.1, -np.inf], [0.2, 0.1, -np.inf]]])
    assert class_score_ap(scores, np.array([[0, 1]]), np.array([[2, 2, 0]])).tolist() == [[1.0, 0.5]]


def curve_of(scores, relevant):
    """scikit-learn's curve: precision and recall at each distinct score, in falling order of score."""
    from sklearn.metrics import precision_recall_curve

    precision, recall, _ = precision_recall_curve(relevant, scores)
    return precision[:-1][::-1], recall[:-1][::-1]


@settings(deadline=None)
@given(rankings())
def test_pooled_curve_reads_scikit_learns_at_each_recall(case):
    scores, relevant, present = case
    curve = pooled_precision_recall(scores, relevant, present, levels=11)
    if not (relevant & present).any():
        assert np.isnan(curve.precision).all()
        return
    precision, recall = curve_of(scores[present], relevant[present])
    expected = [precision[np.argmax(recall >= r - 1e-9)] for r in curve.recall]
    np.testing.assert_allclose(curve.precision, expected, atol=1e-12)
    chunked = pooled_precision_recall(scores, relevant, present, levels=11, memory=1)
    np.testing.assert_array_equal(chunked.precision, curve.precision)


@settings(deadline=None)
@given(rankings())
def test_mean_curve_averages_interpolated_curves(case):
    scores, relevant, present = case
    curve = mean_precision_recall(scores, relevant, present, levels=11)
    each = []
    for s, r, p in zip(scores, relevant, present, strict=True):
        if (r & p).any():
            precision, recall = curve_of(s[p], r[p])
            each.append([precision[recall >= level - 1e-9].max() for level in curve.recall])
    expected = np.mean(each, axis=0) if each else np.full(11, np.nan)
    np.testing.assert_allclose(curve.precision, expected, atol=1e-12)
    chunked = mean_precision_recall(scores, relevant, present, levels=11, memory=1)
    np.testing.assert_allclose(chunked.precision, curve.precision, atol=1e-12)


def test_memory_stays_within_the_budget():
    import tracemalloc

    generator = np.random.default_rng(0)
    scores = generator.random((4_000, 500), dtype=np.float32)
    relevant = np.eye(500, dtype=bool)[np.arange(4_000) % 500]
    for measure in (average_precision, pooled_precision_recall, mean_precision_recall):
        tracemalloc.start()
        measure(scores, relevant, memory=2**22)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2**22 + 2**20, measure.__name__


def test_no_warning_is_given():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        average_precision(np.zeros((2, 3)), np.zeros((2, 3), dtype=bool))
        mean_precision_recall(np.zeros((2, 3)), np.zeros((2, 3), dtype=bool))
