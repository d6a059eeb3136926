"""Processes that are ended at random moments, by kill -9 and by SIGTERM; then the same command again."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.reliability.world import (
    EPISODES,
    RUNS,
    Row,
    World,
    ended,
    finish,
    forked,
    fresh,
    kill,
    undisturbed,
)
from fewshot_bench.cli import main

IN_A_ROW = 4
"""Kills of one world before its run is let finish."""


def kills(place: Path, kind: str, count: int, seed: int) -> Iterator[Row]:
    """Yields the row of ``count`` kills: every world is killed a few times in a row, and then has to end equal."""
    whole, expected, seconds = undisturbed(place, kind)
    rng = random.Random(seed)
    row, landed, done = (
        Row(f"kill -9 at a random moment of a {kind}, up to {IN_A_ROW} in a row; then to its end"),
        0,
        0,
    )
    while landed < count:
        world = fresh(whole, f"{kind}-killed")
        for _ in range(min(IN_A_ROW, count - landed)):
            pid = forked(world.run)
            time.sleep(rng.uniform(0, seconds))
            kill(pid)
            hit = ended(pid) == -9
            landed += hit
            seconds *= 1.05 if hit else 0.8  # what is kept makes the next try of a world shorter
        done += 1
        row.count(finish(world, expected), f"world {done}")
    row.tries = landed
    yield row


def terminations(place: Path, count: int, seed: int) -> Iterator[Row]:
    """Yields the row of SIGTERM: the command ends in order with 143, and goes on when it is asked for again."""
    whole, expected, seconds = undisturbed(place, "run")
    rng = random.Random(seed)
    row = Row("SIGTERM at a random moment of a run", count)
    for number in range(count):
        world = fresh(whole, "terminated")
        pid = forked(lambda world=world: command(world))  # type: ignore[misc]
        time.sleep(rng.uniform(0.05, seconds))
        kill(pid, 15)
        status = ended(pid)
        orderly = status in (0, 143)
        row.count(finish(world, expected) if orderly else f"status {status}", f"try {number}")
    yield row


def command(world: World) -> None:
    """Does what the command line does, and ends the process with its status."""
    import os

    os.environ["FSBENCH_CACHE"] = str(world.cache)
    words = [
        "run",
        "--method",
        "pixels",
        "--set",
        "size=8",
        "--dataset",
        str(world.pictures),
        "--device",
        "cpu",
    ]
    words += [word for name, value in EPISODES.items() for word in (f"--{name}", str(value))]
    assert RUNS["run"]["parameters"] == {"size": 8}
    try:
        main([*words, "--results", str(world.results)])
    except SystemExit as error:
        os._exit(int(error.code or 0))
