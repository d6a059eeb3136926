"""The training log: one CSV line an epoch, which a page can plot and a person can read."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fewshot_bench.errors import FsbenchError
from fewshot_bench.files import write_atomic

LOG = "log.csv"
"""The name of a log in the folder of its training."""

TIMINGS = ("images/s", "seconds")
"""Columns that differ from run to run: speed without validation, and what the whole epoch took."""


def read_log(path: Path) -> list[dict[str, str]]:
    """Returns the lines of a log, [] where there is none yet."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def append_log(path: Path, line: Mapping[str, float]) -> None:
    """Adds the line of an epoch; lines of that epoch or later ones (of a killed training) are replaced."""
    kept = [old for old in read_log(path) if int(old["epoch"]) < line["epoch"]]
    text = io.StringIO()
    writer = csv.DictWriter(
        text, fieldnames=list(line), restval="", extrasaction="ignore", lineterminator="\n"
    )
    writer.writeheader()
    for old in kept:
        writer.writerow(old)
    writer.writerow({k: v if k == "epoch" else f"{v:.6g}" for k, v in line.items()})
    write_atomic(path, lambda stream: stream.write(text.getvalue().encode()))


def log_digest(path: Path, epoch: int) -> str:
    """Returns the sha256 (hex) of a log's lines up to ``epoch``; "" where they cannot be read or are not all there."""
    try:
        lines = [sorted(line.items()) for line in read_log(path) if int(line["epoch"]) <= epoch]
        return hashlib.sha256(json.dumps(lines).encode()).hexdigest() if len(lines) == epoch else ""
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return ""


def check_log(path: Path, epoch: int, digest: str) -> None:
    """Raises FsbenchError where the lines up to ``epoch`` are not those of ``digest`` ("": it is not known)."""
    if digest and log_digest(path, epoch) != digest:
        raise FsbenchError(
            f"The training log {path} is damaged or missing; remove its folder to train again."
        )


def training_facts(folders: Mapping[str, Path]) -> dict[str, Any]:
    """Returns what a record says of trainings, each in the folder of its name: empty where no folder has a log.

    ``log``: name -> column -> values by epoch, equal for equal commands. ``timings``: name -> ``seconds`` in
    all (of the epochs that count, validation included) and ``images/s`` by epoch; a number that a log lacks
    is None. Raises FsbenchError for a damaged log.
    """
    logs = {name: columns(folder / LOG) for name, folder in folders.items()}
    logs = {name: found for name, found in logs.items() if found}
    if not logs:
        return {}
    return {
        "log": {
            name: {key: values for key, values in found.items() if key not in TIMINGS}
            for name, found in logs.items()
        },
        "timings": {
            name: {"seconds": total(found.get("seconds", [None])), "images/s": found.get("images/s", [])}
            for name, found in logs.items()
        },
    }


def columns(path: Path) -> dict[str, list[float | None]]:
    """Returns a log by column; a number that is missing, or not finite, is None."""
    try:
        lines = read_log(path)
        return {key: [number(line[key]) for line in lines] for key in (lines[0] if lines else ())}
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise FsbenchError(
            f"The training log {path} cannot be read ({error}); remove its folder to train again."
        ) from error


def number(text: str) -> float | None:
    """Returns a number of the log; None for a blank, and for one that JSON does not know."""
    value = math.nan if text == "" else float(text)
    if not math.isfinite(value):
        return None
    return int(value) if text.isdecimal() else value


def total(seconds: list[float | None]) -> float | None:
    """Returns the sum, None when a part of it is not known."""
    return None if None in seconds else round(math.fsum(s for s in seconds if s is not None), 3)
