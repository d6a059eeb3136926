"""Other processes and other clocks: four runs on one cache, a prune during a run, a clock that was moved back."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.reliability.world import Row, World, ended, finish, forked, fresh, undisturbed
from fewshot_bench.cli.rooms import prune as prune_room
from fewshot_bench.cli.rooms import rooms
from fewshot_bench.errors import FsbenchError
from fewshot_bench.store.cache import EmbeddingCache

FUTURE = 10 * 365 * 86400.0
"""Seconds by which dates lie ahead of the clock."""


def together(place: Path, kind: str, count: int) -> Iterator[Row]:
    """Yields the row of four equal runs at once on one cache and one results folder."""
    whole, expected, _ = undisturbed(place, kind)
    row = Row(f"four processes at once on one cache: {kind}", 4 * count)
    for number in range(count):
        world = fresh(whole, f"{kind}-together")
        reports = [world.place / f"report-{i}" for i in range(4)]
        for pid in [forked(world.run, report) for report in reports]:
            ended(pid)
        for report in reports:
            said = report.read_text(encoding="utf-8")
            equal = said == "done" and world.result() == expected
            row.count("equal" if equal else "wrong" if said == "done" else said, f"try {number}")
    yield row


def pruned(place: Path, kind: str, count: int, seed: int) -> Iterator[Row]:
    """Yields the row of prunes of everything at random moments of a run; where one ends it, the run is asked again."""
    whole, expected, seconds = undisturbed(place, kind)
    rng = random.Random(seed)
    row = Row(f"cache pruned at random moments of a {kind}", count)
    for number in range(count):
        world = fresh(whole, f"{kind}-pruned")
        report = world.place / "report"
        pid = forked(world.run, report)
        for _ in range(3):
            time.sleep(rng.uniform(0, seconds / 3))
            prune(world)
        ended(pid)
        said = report.read_text(encoding="utf-8")
        if said.startswith("sentence: "):
            row.refuse(said)
            row.count(finish(world, expected), f"try {number}, again")
        else:
            row.count(said if said != "done" else finish(world, expected), f"try {number}")
    yield row


def prune(world: World) -> None:
    """Removes all that is kept, as ``fsbench cache prune --all --trainings`` does."""
    try:
        EmbeddingCache(world.cache / "embeddings").prune()
        for room in rooms(world.cache):
            prune_room(room, None)
    except (FsbenchError, OSError):  # what is in use stays
        pass


def clock_back(place: Path, kind: str) -> Iterator[Row]:
    """Yields the row of a clock that was moved back: every kept file, and its record, is of the future."""
    whole, expected, _ = undisturbed(place, kind)
    row = Row(f"clock moved back by ten years, what is kept is of the future: {kind}", 3)
    for state in ("finished", "finished, and the index is read anew", "stopped"):
        from benchmarks.reliability.damage import interrupted

        world = (interrupted(whole) if state == "stopped" else whole).copy(f"{kind}-clock")
        for path in (world.place, *world.place.rglob("*")):
            os.utime(path, (time.time() + FUTURE,) * 2)
        if "anew" in state:
            for path in (world.cache / "indexes").glob("*"):
                path.unlink()

        def work(world: World = world) -> None:
            now = time.time
            time.time = lambda: now() - FUTURE
            world.run()

        row.count(finish(world, expected, work), state)
    yield row
