"""How long methods took, by the records of a folder: the training, and the scoring of a thousand episodes."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

from fewshot_bench.errors import FsbenchError
from fewshot_bench.files import read_regular
from fewshot_bench.records.store import record_files

LONGEST = 1 << 26
"""Bytes of a JSON file that is looked at."""


def typical_times(results: Path) -> dict[str, dict[str, float]]:
    """Returns method -> ``training`` and ``episodes``: median seconds of a training, and of scoring 1000 episodes.

    What was not timed is left out. The folder may be missing, and files that are no records are passed over: the times
    are a help for choosing, and in no table.
    """
    trained: dict[str, list[float]] = defaultdict(list)
    scored: dict[str, list[float]] = defaultdict(list)
    for path in record_files([results]) if results.is_dir() else ():
        try:
            record = json.loads(read_regular(path, LONGEST))
            method, parts = str(record["method"]), record.get("training")
            if parts and parts.get("timings"):
                took = seconds(parts["timings"])
                trained[method].append(took)
            if record["timings"]["score"] > 0:
                each = 1000 * float(record["timings"]["score"]) / int(record["episodes"])
                scored[method].append(each)
        except (OSError, FsbenchError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError):
            continue
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for what, times in (("training", trained), ("episodes", scored)):
        for method, values in times.items():
            found[method][what] = median(values)
    return dict(found)


def seconds(timings: dict[str, Any]) -> float:
    """Returns the seconds of all parts of a training."""
    return sum(float(part["seconds"]) for part in timings.values())


def spoken(time: float | None) -> str:
    """Returns a time in one unit with two digits: ``0.24 s``, ``25 min``, ``1.5 h``; empty for None."""
    if time is None:
        return ""
    for unit, size in (("h", 3600), ("min", 60)):
        if time >= 1.5 * size:
            return f"{time / size:.2g} {unit}" if time < 100 * size else f"{time / size:.0f} {unit}"
    return f"{time:.2g} s"
