"""How often does each 95 % interval hold the mean over the population of classes? A simulation.

Classes are drawn from a population: Gaussian centres, and images spread about them, unequally (log-normal) or
equally. A test set has a few classes. Nearest centroid, 5-way 1-shot, is run on many episodes of the test
set, and each interval is asked whether it holds the accuracy expected of classes drawn anew. Over many test
sets the share of yes should be 95 %. The last table is of episodes that have all classes (``coverage_all_ways.py``).

    python -m benchmarks.coverage [--repetitions 300] [--episodes 3000]
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from benchmarks.coverage_all_ways import bootstrap, table
from fewshot_bench.metrics import Interval, episode_interval, jackknife_interval

WAYS, QUERIES, DIMENSIONS = 5, 5, 16
SPREAD = 1.0
"""Median spread of a class's images; that of the centres is 1."""
POPULATIONS = {"unequal spread": 0.4, "equal spread": 0.0}
"""σ of the log-normal that a class's spread is drawn from."""
REPLICATES = 200
PRODUCT = "over classes (bootstrap, episodes weighted by the product of multiplicities)"

Floats = NDArray[np.float64]
Generator = np.random.Generator


def population(count: int, unequal: float, generator: Generator) -> tuple[Floats, Floats]:
    """Centres [count, D] and spreads [count] of classes drawn from the population."""
    return (
        generator.standard_normal((count, DIMENSIONS)),
        SPREAD * np.exp(unequal * generator.standard_normal(count)),
    )


def solve(centres: Floats, spreads: Floats, generator: Generator) -> Floats:
    """Nearest centroid, one shot: centres [E, N, D], spreads [E, N] -> hits [E, N, QUERIES] of each class."""

    def images(each: int) -> Floats:
        noise = generator.standard_normal((*spreads.shape, each, DIMENSIONS), dtype=np.float32)
        return centres[:, :, None] + spreads[:, :, None, None] * noise

    support, query = images(1)[:, :, 0], images(QUERIES)
    flat = query.reshape(len(query), -1, DIMENSIONS)
    scores = flat @ support.transpose(0, 2, 1) - (support**2).sum(axis=2)[:, None] / 2
    labels = np.arange(WAYS)[:, None]
    hits: NDArray[np.bool_] = scores.argmax(axis=2).reshape(query.shape[:3]) == labels
    return hits.astype(np.float64)


def truth(unequal: float, generator: Generator, episodes: int = 100_000) -> float:
    """The mean over the population: every episode has classes of its own."""
    total = 0.0
    for _ in range(episodes // 10_000):
        centres, spreads = population(10_000 * WAYS, unequal, generator)
        total += solve(centres.reshape(-1, WAYS, DIMENSIONS), spreads.reshape(-1, WAYS), generator).mean()
    return total / (episodes // 10_000)


def product_interval(
    values: Floats, classes: NDArray[np.int64], count: int, generator: Generator
) -> Interval:
    """Bootstrap over classes: an episode weighs the product of how often its classes were drawn."""
    times = generator.multinomial(count, np.full(count, 1 / count), size=REPLICATES)
    weights = times[:, classes[:, 0]].astype(np.float64)
    for way in range(1, WAYS):
        weights *= times[:, classes[:, way]]
    weights = weights[weights.any(axis=1)]
    low, high = np.quantile(weights @ values / weights.sum(axis=1), [0.025, 0.975])
    return Interval(float(values.mean()), low, high, PRODUCT)


def intervals(count: int, unequal: float, episodes: int, generator: Generator) -> Iterator[Interval]:
    """All intervals from one test set of ``count`` classes."""
    centres, spreads = population(count, unequal, generator)
    classes = np.argpartition(generator.random((episodes, count)), WAYS, axis=1)[:, :WAYS]
    hits = solve(centres[classes], spreads[classes], generator)
    values = hits.mean(axis=(1, 2))
    yield episode_interval(values)
    yield bootstrap(hits.reshape(episodes, -1), np.repeat(classes, QUERIES, axis=1), generator)
    yield product_interval(values, classes, count, generator)
    yield jackknife_interval(values, classes)


def coverage(
    count: int, episodes: int, repetitions: int, unequal: float, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Kind of interval -> (share of repetitions in which it held the truth, mean half-width)."""
    generator = np.random.default_rng(seed)
    mean = truth(unequal, generator)
    results: dict[str, list[tuple[bool, float]]] = defaultdict(list)
    for _ in range(repetitions):
        for interval in intervals(count, unequal, episodes, generator):
            assert interval.low is not None and interval.high is not None
            half = (interval.high - interval.low) / 2
            results[interval.kind].append((interval.low <= mean <= interval.high, half))
    table = {}
    for kind, pairs in results.items():
        held, width = np.mean(pairs, axis=0)
        table[kind] = (float(held), float(width))
    return table


def main() -> None:
    """Print a table for each population, of 20 and of 64 test classes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=300)
    parser.add_argument("--episodes", type=int, default=3000)
    options = parser.parse_args()
    for name, unequal in POPULATIONS.items():
        few, many = (coverage(c, options.episodes, options.repetitions, unequal) for c in (20, 64))
        print(f"| classes of {name} | held, 20 classes | held, 64 classes | mean half-width (20 / 64) |")
        print("|---|---|---|---|")
        for kind, (held, width) in few.items():
            print(f"| {kind} | {held:.1%} | {many[kind][0]:.1%} | {width:.3f} / {many[kind][1]:.3f} |")
        print(flush=True)
    print(table(5 * options.repetitions))


if __name__ == "__main__":
    main()
