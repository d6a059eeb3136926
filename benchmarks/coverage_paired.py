"""How often does the 95 % interval over classes of a *difference* hold the difference in the population of classes?

Two methods solve the same episodes: nearest centroid on all dimensions, and on the first half of them. The interval is
the delete-one-class jackknife of the difference, which ``fsbench compare`` prints and ranks are made from. Beside it
stands the interval over episodes (the paired t), which is about these classes and not about new ones.

    python -m benchmarks.coverage_paired [--repetitions 600] [--episodes 2000]
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from benchmarks.coverage import DIMENSIONS, POPULATIONS, QUERIES, WAYS, Floats, Generator, population
from fewshot_bench.metrics import paired_episode_interval
from fewshot_bench.metrics.deletion import without_episodes
from fewshot_bench.metrics.intervals import paired_deletion_interval


def differences(centres: Floats, spreads: Floats, generator: Generator) -> Floats:
    """One shot: centres [E, N, D], spreads [E, N] -> accuracy of all dimensions and of the first half, [2, E]."""
    noise = generator.standard_normal((*spreads.shape, 1 + QUERIES, DIMENSIONS), dtype=np.float32)
    images = centres[:, :, None] + spreads[:, :, None, None] * noise
    return np.stack([accuracy(images[..., :width]) for width in (DIMENSIONS, DIMENSIONS // 2)])


def accuracy(images: Floats) -> Floats:
    """Nearest centroid: images [E, N, 1 + Q, D], the first of each class its support -> share right [E]."""
    support, query = images[:, :, 0], images[:, :, 1:]
    flat = query.reshape(len(query), -1, images.shape[-1])
    scores = flat @ support.transpose(0, 2, 1) - (support**2).sum(axis=2)[:, None] / 2
    right: NDArray[np.bool_] = scores.argmax(axis=2).reshape(query.shape[:3]) == np.arange(WAYS)[:, None]
    return np.asarray(right.mean(axis=(1, 2)))


def truth(unequal: float, generator: Generator, episodes: int = 200_000) -> float:
    """The mean difference over the population: every episode has classes of its own."""
    total, step = 0.0, 10_000
    for _ in range(episodes // step):
        centres, spreads = population(step * WAYS, unequal, generator)
        first, second = differences(
            centres.reshape(-1, WAYS, DIMENSIONS), spreads.reshape(-1, WAYS), generator
        )
        total += float((first - second).mean())
    return total / (episodes // step)


def coverage(
    count: int, episodes: int, repetitions: int, unequal: float, seed: int = 0
) -> tuple[float, float]:
    """The share of test sets of ``count`` classes whose interval holds the truth: over classes, and over episodes."""
    generator = np.random.default_rng(seed)
    mean = truth(unequal, generator)
    held = np.zeros(2)
    for _ in range(repetitions):
        centres, spreads = population(count, unequal, generator)
        classes = np.argpartition(generator.random((episodes, count)), WAYS, axis=1)[:, :WAYS]
        first, second = differences(centres[classes], spreads[classes], generator)
        deletions = [without_episodes(values, classes) for values in (first, second)]
        found = paired_deletion_interval(*deletions), paired_episode_interval(first, second)
        for place, interval in enumerate(found):
            assert interval.low is not None and interval.high is not None
            held[place] += interval.low <= mean <= interval.high
    return float(held[0] / repetitions), float(held[1] / repetitions)


def main() -> None:
    """Prints a table of both populations, of 20 and of 64 test classes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=600)
    parser.add_argument("--episodes", type=int, default=2000)
    options = parser.parse_args()
    print("| classes of | classes | over classes holds | over episodes holds |\n|---|---|---|---|")
    for name, unequal in POPULATIONS.items():
        for count in (20, 64):
            over_classes, over_episodes = coverage(count, options.episodes, options.repetitions, unequal)
            print(f"| {name} | {count} | {over_classes:.1%} | {over_episodes:.1%} |", flush=True)


if __name__ == "__main__":
    main()
