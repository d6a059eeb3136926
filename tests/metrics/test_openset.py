"""Thresholds: against scikit-learn's ROC curve, and what they promise, for any scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from fewshot_bench.errors import UsageError
from fewshot_bench.metrics.openset import reject_threshold

scores = st.lists(st.floats(-1e6, 1e6) | st.integers(-3, 3).map(float), max_size=60).map(np.array)
rates = st.floats(0, 0.999) | st.sampled_from([0.0, 0.05, 0.1, 0.29, 0.5])


@given(scores, scores, rates)
def test_what_the_rule_promises_holds_and_no_better_threshold_does(known, unknown, rate):
    if not len(known) and not len(unknown):
        return
    found = reject_threshold(known, unknown, rate)
    assert (found.known, found.unknown) == (len(known), len(unknown))
    assert found.rejected == (pytest.approx((known < found.value).mean()) if len(known) else None)
    assert found.accepted == (pytest.approx((unknown >= found.value).mean()) if len(unknown) else None)
    if found.rule != "unknown":
        assert found.rejected <= rate + 1e-9
    if found.rule != "known":
        assert found.accepted <= rate + 1e-9
    if found.rule == "known":
        assert (known < np.nextafter(found.value, np.inf)).mean() > rate
        assert not len(unknown) or found.accepted > rate
    if found.rule == "unknown":
        assert (unknown >= np.nextafter(found.value, -np.inf)).mean() > rate
        assert not len(known) or found.rejected > rate


@given(st.integers(0, 2**32), st.sampled_from([0.01, 0.05, 0.2]))
def test_the_known_rule_is_fpr_at_tpr_of_the_roc_curve(seed, rate):
    rng = np.random.default_rng(seed)
    known, unknown = rng.normal(1, 1, 150).round(2), rng.normal(0, 1, 200).round(2)
    found = reject_threshold(known, unknown, rate)
    fpr, tpr, thresholds = roc_curve(
        np.repeat([1, 0], [150, 200]), np.concatenate([known, unknown]), drop_intermediate=False
    )
    first = np.flatnonzero(tpr >= 1 - rate - 1e-9)[0]
    assert found.rule == "known"
    assert (found.accepted, found.value) == (pytest.approx(fpr[first]), thresholds[first])


def test_which_rule():
    few, many = np.arange(5.0), np.arange(100.0)
    assert reject_threshold(many, many, 0.05).rule == "known"
    apart = reject_threshold(many + 200, many, 0.0)
    assert (apart.rule, apart.value) == ("both", pytest.approx((99 + 200) / 2))
    assert "amid those that reject at most 0 % of pictures of the classes" in str(apart)
    assert str(reject_threshold(few, many, 0.05)).endswith(
        "rejects 100 %; of 100 scored without their class, it accepts 5 %"
    )
    assert reject_threshold(few, many, 0.05).rule == "unknown"
    assert reject_threshold(few, few, 0.05).rule == "known"
    assert reject_threshold(few, np.array([]), 0.05) == reject_threshold(few, few[:0], 0.05)
    assert reject_threshold(few, np.array([]), 0.05).value == 0.0
    unmeasured = reject_threshold(np.array([]), many, 0.05)
    assert unmeasured.accepted == 0.05 and str(unmeasured).endswith("could not be measured")


def test_bad_input_is_a_sentence():
    for rate in (-0.1, 1.0, float("nan")):
        with pytest.raises(UsageError, match="at least 0 and below 1"):
            reject_threshold(np.ones(3), np.ones(3), rate)
    with pytest.raises(UsageError, match="a class of two different pictures, or three classes"):
        reject_threshold(np.array([]), np.array([]), 0.05)
