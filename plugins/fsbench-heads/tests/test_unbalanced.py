"""Unbalanced episodes: as many queries as said, shares of a Dirichlet distribution, otherwise the suite's episodes."""

from __future__ import annotations

import numpy as np
import pytest
from fsbench_heads.unbalanced import Unbalanced, query_counts
from hypothesis import given, settings
from hypothesis import strategies as st

import fewshot_bench as fb
from fewshot_bench.errors import UsageError


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 20), st.integers(1, 30), st.integers(0, 1000))
def test_counts_reach_the_total_and_stay_below_the_limit(ways, limit, seed):
    total = max(1, ways * limit // 2)
    counts = query_counts(ways, limit, total, np.random.default_rng(seed))
    assert counts.sum() == total
    assert counts.min() >= 0 and counts.max() <= limit


def test_without_a_limit_that_is_reached_counts_are_dirichlet_multinomial():
    """Mean n/N and variance n (1/N)(1 − 1/N)(n + A)/(1 + A) with A = N a, of 5 classes."""
    generator = np.random.default_rng(0)
    ways, total, a = 5, 200, 10.0
    counts = np.stack([query_counts(ways, total, total, generator) for _ in range(1500)])
    variance = total * (1 / ways) * (1 - 1 / ways) * (total + a) / (1 + a)
    assert counts.mean(axis=0) == pytest.approx(np.full(ways, total / ways), rel=0.05)
    assert counts.var(axis=0).mean() == pytest.approx(variance, rel=0.1)


def test_support_and_classes_are_the_balanced_ones_and_queries_some_of_theirs():
    shape = {"ways": 4, "shots": 2, "queries": 6, "episodes": 30, "seed": 3}
    index = fb.dataset("digits")
    balanced = fb.sample(index, **shape)
    record = fb.run("pixels", "digits", sampler=Unbalanced, protocol="fewshot", **shape)
    classes, support, query = Unbalanced()(index, balanced.spec)
    np.testing.assert_array_equal(classes, balanced.classes)
    np.testing.assert_array_equal(support, balanced.support)
    kept = query >= 0
    np.testing.assert_array_equal(query[kept], balanced.query[kept])
    assert (kept.sum(axis=(1, 2)) == 12).all() and kept.sum(axis=2).std() > 0.5
    assert record.sampler == "unbalanced" and record.data["episodes"] == 30


def test_the_protocol_runs_and_a_limit_is_needed(tmp_path):
    record = fb.run("pixels", "digits", protocol="unbalanced", ways=3, episodes=5)
    assert (record.protocol, record.sampler) == ("unbalanced", "unbalanced")
    with pytest.raises(UsageError, match="--queries 15"):
        fb.run("pixels", "digits", protocol="unbalanced", ways=3, episodes=5, queries="all")
