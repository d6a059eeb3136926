"""How often does the interval over classes hold, where every episode has all classes? A simulation.

A test set of C classes is drawn from a population and evaluated once: nearest centroid, one support picture and 20
queries a class, all C ways. The interval should hold the accuracy expected of C classes drawn anew.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.metrics import (
    Interval,
    accuracy_deletion,
    deletion_interval,
    predictions,
    ranks_of_truth,
)

DIMENSIONS, QUERIES, DRAWS = 16, 20, 2_000
BOOTSTRAP = "over classes (bootstrap of the query's class, the others held fixed)"

Floats = NDArray[np.float64]
Generator = np.random.Generator
Population = Callable[[int, Generator], tuple[Floats, Floats]]


def spread(count: int, generator: Generator) -> tuple[Floats, Floats]:
    """Centres [C, D] and spreads [C] of classes whose pictures are spread unequally."""
    return generator.normal(size=(count, DIMENSIONS)), np.exp(0.4 * generator.normal(size=count))


def nearness(count: int, generator: Generator) -> tuple[Floats, Floats]:
    """Classes of equal spread, crowded in the middle of the population and apart at its rim."""
    radius = np.exp(0.5 * generator.normal(size=(count, 1)))
    return radius * generator.normal(size=(count, DIMENSIONS)), np.ones(count)


def families(count: int, generator: Generator) -> tuple[Floats, Floats]:
    """Classes that come in families of four, which are near each other."""
    centres = np.repeat(generator.normal(size=(-(-count // 4), DIMENSIONS)), 4, axis=0)[:count]
    return centres + 0.5 * generator.normal(size=centres.shape), np.full(count, 0.7)


POPULATIONS: dict[str, Population] = {
    "spread": spread,
    "how near others lie": nearness,
    "families, one class deleted at a time": families,
}


def answers(count: int, population: Population, generator: Generator) -> tuple[NDArray[np.int64], ...]:
    """Labels, predictions and ranks of the truth [1, Q], and the classes [1, C], of a test set."""
    centres, spreads = population(count, generator)

    def pictures(each: int) -> Floats:
        noise = generator.normal(size=(count, each, DIMENSIONS))
        return centres[:, None] + spreads[:, None, None] * noise

    support, query = pictures(1)[:, 0], pictures(QUERIES).reshape(-1, DIMENSIONS)
    scores = (2 * query @ support.T - (support**2).sum(axis=1))[None]
    labels = np.repeat(np.arange(count), QUERIES)[None]
    return labels, predictions(scores, labels >= 0), ranks_of_truth(scores, labels), np.arange(count)[None]


def bootstrap(values: Floats, query_classes: NDArray[np.int64], generator: Generator) -> Interval:
    """The percentile bootstrap over the query's class; the classes that it is told apart from are held fixed."""
    share = np.full(values.shape, 1 / values.size)
    place = np.unique(query_classes, return_inverse=True)[1].reshape(-1)
    total = np.bincount(place, weights=(share * values).reshape(-1))
    weight = np.bincount(place, weights=share.reshape(-1))
    count = len(weight)
    times = generator.multinomial(count, np.full(count, 1 / count), size=DRAWS)
    low, high = (float(q) for q in np.quantile((times @ total) / (times @ weight), [0.025, 0.975]))
    return Interval(float(values.mean()), low, high, BOOTSTRAP)


def truth(count: int, population: Population, generator: Generator, draws: int = 1_500) -> float:
    """The accuracy expected of ``count`` classes."""
    found = []
    for _ in range(draws):
        labels, predicted, _, _ = answers(count, population, generator)
        found.append((predicted == labels).mean())
    return float(np.mean(found))


def coverage(count: int, population: Population, repetitions: int, seed: int = 0) -> tuple[float, float]:
    """How often the jackknife and the bootstrap hold the truth."""
    generator = np.random.default_rng(seed)
    mean = truth(count, population, generator)
    held = np.zeros(2)
    for _ in range(repetitions):
        labels, predicted, rank, classes = answers(count, population, generator)
        jackknife = deletion_interval(accuracy_deletion(labels, predicted, rank, classes))
        other = bootstrap((predicted == labels).astype(float), labels, generator)
        for place, interval in enumerate((jackknife, other)):
            assert interval.low is not None and interval.high is not None
            held[place] += interval.low <= mean <= interval.high
    first, second = held / repetitions
    return float(first), float(second)


def table(repetitions: int) -> str:
    """The table of all populations, of 20 and of 64 classes."""
    lines = [
        "| all ways, classes differ in | 20 classes: jackknife / bootstrap | 64 classes |",
        "|---|---|---|",
    ]
    for name, population in POPULATIONS.items():
        few, many = (coverage(count, population, repetitions) for count in (20, 64))
        cells = " | ".join(f"{a:.1%} / {b:.1%}" for a, b in (few, many))
        lines.append(f"| {name} | {cells} |")
    return "\n".join(lines)
