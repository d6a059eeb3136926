"""Win rates and average ranks over tables, by slow counts and by published numbers."""

from __future__ import annotations

import numpy as np
import pytest

from fewshot_bench.report.across import ranked, win_rates

NAN = float("nan")


def test_win_rates_are_those_of_a_slow_count() -> None:
    found = np.random.default_rng(0).integers(0, 4, (5, 12)).astype(float)
    found[np.random.default_rng(1).random((5, 12)) < 0.3] = NAN
    rate, shared = win_rates(found)
    for i in range(5):
        for j in range(5):
            both = [(a, b) for a, b in zip(found[i], found[j], strict=True) if not np.isnan(a + b)]
            assert shared[i, j] == len(both)
            if i == j or not both:
                assert np.isnan(rate[i, j])
            else:
                assert rate[i, j] == pytest.approx(
                    np.mean([1.0 if a > b else 0.5 if a == b else 0.0 for a, b in both])
                )


def test_average_ranks_and_the_critical_difference_of_demsar() -> None:
    """Demšar, JMLR 2006, section 3.2.4: 4 classifiers on 14 data sets have CD = 2.569 √(4·5 / (6·14)) = 1.25."""
    means = np.random.default_rng(0).random((14, 4))
    found = ranked(("a", "b", "c", "d"), means, tuple(map(str, range(14))))
    assert found.critical == pytest.approx(1.25, abs=0.005)
    order = np.argsort(np.argsort(-means, axis=1), axis=1).mean(axis=0) + 1
    assert sorted(found.ranks) == pytest.approx(sorted(order))
    assert list(found.ranks) == sorted(found.ranks)


def test_equal_means_share_a_rank() -> None:
    found = ranked(("a", "b", "c"), np.array([[0.5, 0.5, 0.1]] * 4), ("w", "x", "y", "z"))
    assert found.ranks.tolist() == [1.5, 1.5, 3.0]
