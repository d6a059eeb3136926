"""How often does each interval hold the mean over the population, where classes come in families? A simulation.

Families are drawn from a population, and classes about their family's centre. Families have one size or, as brands
have, unequal ones. Nearest centroid, one shot, solves 5-way episodes or episodes of all classes. The interval over
classes takes the products of one brand for independent draws and holds the mean too rarely; that over families is
meant for them.

    python -m benchmarks.coverage_families [--repetitions 400] [--episodes 3000]
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from benchmarks.coverage import DIMENSIONS, QUERIES, WAYS, Floats, Generator, solve
from fewshot_bench.metrics import Deletion, deletion_interval
from fewshot_bench.metrics.deletion import without_episodes, without_rivals
from fewshot_bench.metrics.intervals import family_interval

SHOPS = 20
"""Episodes of all classes in one test set."""

KINDS = {"classes far apart in a family": 1.0, "classes near each other": 0.3}
"""Spread of a family's classes about its centre; families spread by 1."""


def drawn(
    families: int, equal: bool, inner: float, generator: Generator
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Centres [C, D], spreads [C] and families [C] of the classes of ``families`` families from the population.

    Families have 3 classes each, or 1 to 10, few of them many.
    """
    sizes = np.full(families, 3) if equal else np.minimum(generator.geometric(0.4, families), 10)
    family = np.repeat(np.arange(families), sizes)
    centres = generator.standard_normal((families, DIMENSIONS))[family]
    centres += inner * generator.standard_normal((len(family), DIMENSIONS))
    spreads = np.exp(0.4 * generator.standard_normal(families))[family]
    return centres, spreads * np.exp(0.2 * generator.standard_normal(len(family))), family


def sampled(centres: Floats, spreads: Floats, episodes: int, generator: Generator) -> Deletion:
    """5-way episodes of one test set."""
    classes = np.argpartition(generator.random((episodes, len(centres))), WAYS, axis=1)[:, :WAYS]
    hits = solve(centres[classes], spreads[classes], generator)
    return without_episodes(hits.mean(axis=(1, 2)), classes)


def all_classes(centres: Floats, spreads: Floats, generator: Generator) -> Deletion:
    """Episodes that have every class of one test set, one query a class."""
    noise = generator.standard_normal((2, SHOPS, *centres.shape))
    support, query = centres + spreads[:, None] * noise
    scores = query @ support.transpose(0, 2, 1) - (support**2).sum(axis=2)[:, None] / 2
    label = np.tile(np.arange(len(centres)), (SHOPS, 1))
    true = np.take_along_axis(scores, label[..., None], axis=2)
    return without_rivals(label, scores.argmax(axis=2), (scores > true).sum(axis=2), label)


def coverage(
    families: int,
    equal: bool,
    inner: float,
    repetitions: int,
    *,
    episodes: int = 3000,
    every: bool = False,
    seed: int = 0,
) -> tuple[float, float]:
    """The share of test sets whose interval holds the mean over all of them: over classes, and over families."""
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(repetitions):
        centres, spreads, family = drawn(families, equal, inner, generator)
        made = (
            all_classes(centres, spreads, generator)
            if every
            else sampled(centres, spreads, episodes, generator)
        )
        found.append((made.mean, deletion_interval(made), family_interval(made, family)))
    truth = float(np.mean([mean for mean, *_ in found]))
    held = [[(i.low or 0.0) <= truth <= (i.high or 0.0) for i in both] for _, *both in found]
    by_class, by_family = np.mean(held, axis=0)
    return float(by_class), float(by_family)


def main() -> None:
    """Prints a line for each number of families."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=400)
    parser.add_argument("--episodes", type=int, default=3000)
    options = parser.parse_args()
    print(f"{WAYS}-way episodes have {QUERIES} queries a class. In percent: over classes / over families.\n")
    print("| families | classes in a family | spread | 5-way | all ways |\n|---|---|---|---|---|")
    for families in (8, 16, 40):
        for equal in (True, False):
            for name, inner in KINDS.items():
                pairs = [
                    coverage(
                        families, equal, inner, options.repetitions, episodes=options.episodes, every=every
                    )
                    for every in (False, True)
                ]
                cells = " | ".join(f"{100 * a:.1f} / {100 * b:.1f}" for a, b in pairs)
                print(f"| {families} | {'3' if equal else '1 to 10'} | {name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
