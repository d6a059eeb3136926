"""Unbalanced episodes: as many queries as said, shares of a Dirichlet distribution, otherwise the suite's episodes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fsbench_heads.unbalanced import Unbalanced, query_counts
from hypothesis import given, settings
from hypothesis import strategies as st

import fewshot_bench as fb


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=2, max_size=20).filter(any), st.integers(0, 1000))
def test_counts_reach_the_total_and_stay_below_the_limits(limits, seed):
    limits = np.array(limits)
    total = max(1, limits.sum() // 2)
    counts = query_counts(limits, total, np.random.default_rng(seed))
    assert counts.sum() == total
    assert (counts >= 0).all() and (counts <= limits).all()


def test_without_a_limit_that_is_reached_counts_are_dirichlet_multinomial():
    """Mean n/N and variance n (1/N)(1 − 1/N)(n + A)/(1 + A) with A = N a, of 5 classes."""
    generator = np.random.default_rng(0)
    ways, total, a = 5, 200, 10.0
    counts = np.stack([query_counts(np.full(ways, total), total, generator) for _ in range(1500)])
    variance = total * (1 / ways) * (1 - 1 / ways) * (total + a) / (1 + a)
    assert counts.mean(axis=0) == pytest.approx(np.full(ways, total / ways), rel=0.05)
    assert counts.var(axis=0).mean() == pytest.approx(variance, rel=0.1)


def test_support_and_classes_are_those_of_the_suite_and_queries_some_of_theirs():
    shape = {"ways": 4, "shots": 2, "queries": 6, "episodes": 30, "seed": 3}
    index = fb.dataset("digits")
    record = fb.run("pixels", "digits", sampler=Unbalanced, protocol="fewshot", **shape)
    every = fb.sample(index, **{**shape, "queries": "all"})
    classes, support, query = Unbalanced()(index, replace(every.spec, queries=6))
    np.testing.assert_array_equal(classes, every.classes)
    np.testing.assert_array_equal(support, every.support)
    for mine, theirs in zip(query.reshape(120, -1), every.query.reshape(120, -1), strict=True):
        assert set(mine) - {-1} <= set(theirs)
    kept = query >= 0
    assert (kept.sum(axis=(1, 2)) == 12).all() and kept.sum(axis=2).std() > 0.5
    assert record.sampler == "unbalanced" and record.data["episodes"] == 30


def test_the_protocol_runs_with_every_number_of_queries():
    record = fb.run("pixels", "digits", protocol="unbalanced", ways=3, episodes=5)
    assert (record.protocol, record.sampler) == ("unbalanced", "unbalanced")
    assert (
        fb.run("pixels", "digits", protocol="unbalanced", ways=3, episodes=2, queries="all").accuracy.mean
        > 0.3
    )
