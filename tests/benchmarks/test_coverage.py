"""Coverage: the interval over classes of all ways holds what it promises, where the bootstrap does not."""

from __future__ import annotations

import pytest

from benchmarks.coverage_all_ways import Population, coverage, nearness, spread
from benchmarks.coverage_paired import coverage as paired_coverage


@pytest.mark.slow
@pytest.mark.parametrize("population", [nearness, spread])
def test_the_jackknife_of_all_ways_holds_the_truth(population: Population) -> None:
    """Within 2 points of 95 % but for the simulation's own error (twice 1.5 points at 200 repetitions)."""
    jackknife, bootstrap = coverage(20, population, 200)
    assert 0.90 <= jackknife <= 0.995
    if population is nearness:
        assert bootstrap < jackknife - 0.03


@pytest.mark.slow
@pytest.mark.parametrize("classes", [20, 64])
def test_the_interval_of_a_difference_holds_the_difference_of_new_classes(classes: int) -> None:
    """Within 2 points of 95 % but for the simulation's own error (twice 1.5 points at 200 repetitions).

    The paired interval over episodes is about these classes, and holds that of new ones far less often.
    """
    over_classes, over_episodes = paired_coverage(classes, 400, 200, unequal=0.4)
    assert 0.90 <= over_classes <= 0.995
    assert over_episodes < over_classes - 0.1
