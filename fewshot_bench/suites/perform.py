"""Performing the units of a suite one after the other; several processes share them out by locks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from fewshot_bench.engine import run as run_request
from fewshot_bench.paths import cache_dir
from fewshot_bench.progress import Progress
from fewshot_bench.records import Record, read_all
from fewshot_bench.suites import failures
from fewshot_bench.suites.description import Unit
from fewshot_bench.suites.failures import FailedUnit
from fewshot_bench.suites.found import matched

PAUSE = 0.5
"""Seconds between two looks at units that other processes work on."""


@dataclass
class Outcomes:
    """Outcomes hold the records that were made, with their paths, and the failures, each with its unit."""

    made: list[tuple[Unit, Record, Path | None]] = field(default_factory=list)
    failed: list[tuple[Unit, FailedUnit]] = field(default_factory=list)
    elsewhere: int = 0
    """Units that another process made meanwhile."""


def perform(
    units: Sequence[Unit],
    *,
    watch: Callable[[], AbstractContextManager[Progress]],
    made: Callable[[Unit, Record, Path | None], object] = lambda *_: None,
    failed: Callable[[Unit, FailedUnit], object] = lambda *_: None,
    **places: Any,
) -> Outcomes:
    """Runs the units that are to be done; goes on past one that fails, and keeps its failure beside the records.

    ``watch`` opens what is told the progress of a unit; ``made`` and ``failed`` are told of each that ended.
    ``places`` are further arguments of ``engine.run``. Units that another process works on are left to it; where it
    was killed, they are done here. An interrupted call goes on where it was when it is made again.
    """
    outcomes, left, began = Outcomes(), list(units), time.time()
    locks = cache_dir() / "suites"
    locks.mkdir(parents=True, exist_ok=True)
    while left:
        waiting = []
        for unit in left:
            try:
                with FileLock(locks / f"{unit.key[:32]}.lock").acquire(timeout=0):
                    if matched(recent(unit.results, began), [unit]):
                        outcomes.elsewhere += 1
                        continue
                    one(unit, outcomes, watch, made, failed, places)
            except Timeout:
                waiting.append(unit)
        left = waiting
        if left:
            time.sleep(PAUSE)
    return outcomes


def one(
    unit: Unit,
    outcomes: Outcomes,
    watch: Callable[[], AbstractContextManager[Progress]],
    made: Callable[[Unit, Record, Path | None], object],
    failed: Callable[[Unit, FailedUnit], object],
    places: dict[str, Any],
) -> None:
    """Runs one unit, with its lock held, and tells what became of it."""
    try:
        with watch() as progress:
            record, path = run_request(unit.request, results=unit.results, progress=progress, **places)
    except Exception as error:  # a plugin may raise anything, and the other units go on
        failure = failures.keep(unit, error)
        outcomes.failed.append((unit, failure))
        failed(unit, failure)
        return
    failures.forget(unit)
    outcomes.made.append((unit, record, path))
    made(unit, record, path)


def recent(results: Path, since: float) -> list[Record]:
    """Returns the records below a folder that were written since a time (Unix seconds)."""
    paths = [path for path in results.glob("*/*/*.json") if path.stat().st_mtime >= since]
    return read_all(paths) if paths else []
