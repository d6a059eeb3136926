"""Performing the units of a suite one after the other; several processes share them out by locks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from fewshot_bench.cluster.executor import Executor, UnitFailure, executor, using
from fewshot_bench.engine import Request
from fewshot_bench.engine import run as run_request
from fewshot_bench.errors import FsbenchError
from fewshot_bench.paths import cache_dir
from fewshot_bench.progress import Progress
from fewshot_bench.records import Record, read_all, save
from fewshot_bench.suites import failures
from fewshot_bench.suites.description import Unit
from fewshot_bench.suites.failures import FailedUnit
from fewshot_bench.suites.found import matched

PAUSE = 0.5
"""Seconds between two looks at units that other processes work on."""


Made = tuple[Record, Path | None]
"""A record, and the path it was saved at."""


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
    was killed, they are done here. An interrupted call goes on where it was when it is made again. Where there is an
    executor the units that nobody works on are all given to it.
    """
    outcomes, left, began = Outcomes(), list(units), time.time()
    locks = cache_dir() / "suites"
    locks.mkdir(parents=True, exist_ok=True)

    def ended(unit: Unit, result: Made | Exception) -> None:
        if isinstance(result, Exception):
            failure = failures.keep(unit, result)
            outcomes.failed.append((unit, failure))
            failed(unit, failure)
        else:
            failures.forget(unit)
            outcomes.made.append((unit, *result))
            made(unit, *result)

    chosen = executor()
    while left:
        waiting, size = [], 1 if chosen is None else len(left)
        for start in range(0, len(left), size):
            with ExitStack() as stack:
                taken = []
                for unit in left[start : start + size]:
                    try:
                        stack.enter_context(FileLock(locks / f"{unit.key[:32]}.lock").acquire(timeout=0))
                    except Timeout:
                        waiting.append(unit)
                        continue
                    if matched(recent(unit.results, began), [unit]):
                        outcomes.elsewhere += 1
                    else:
                        taken.append(unit)
                done = here(taken, watch, places) if chosen is None else spread(chosen, taken, watch, places)
                for unit, result in done:
                    ended(unit, result)
        left = waiting
        if left:
            time.sleep(PAUSE)
    return outcomes


def here(
    units: Sequence[Unit], watch: Callable[[], AbstractContextManager[Progress]], places: dict[str, Any]
) -> Iterator[tuple[Unit, Made | Exception]]:
    """Yields each unit with what became of it, run by this process."""
    for unit in units:
        try:
            with watch() as progress:
                result = run_request(unit.request, results=unit.results, progress=progress, **places)
        except Exception as error:  # a plugin may raise anything, and the other units go on
            yield unit, error
        else:
            yield unit, result


def spread(
    chosen: Executor,
    units: Sequence[Unit],
    watch: Callable[[], AbstractContextManager[Progress]],
    places: dict[str, Any],
) -> Iterator[tuple[Unit, Made | Exception]]:
    """Yields each unit with what became of it, as they end on a cluster; their records are saved here."""
    with watch() as progress:
        sent = [(unit.request, chosen, places) for unit in units]
        for count, (place, result) in enumerate(chosen.outcomes(whole_run, sent, light=True)):
            progress("units", count, len(units))
            unit = units[place]
            if isinstance(result, UnitFailure):
                yield unit, result.error
                continue
            try:
                made = result, save(result, unit.results)
            except FsbenchError as error:
                yield unit, error
            else:
                yield unit, made


def whole_run(request: Request, chosen: Executor, places: dict[str, Any]) -> Record:
    """Returns the record of a unit; this runs on a worker, which has other workers do the parts of it."""
    with using(chosen):
        record, _ = run_request(request, **places)
    return record


def recent(results: Path, since: float) -> list[Record]:
    """Returns the records below a folder that were written since a time (Unix seconds)."""
    paths = [path for path in results.glob("*/*/*.json") if path.stat().st_mtime >= since]
    return read_all(paths) if paths else []
