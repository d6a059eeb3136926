"""The training log: one CSV line an epoch, which a page can plot and a person can read."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from fewshot_bench.files import write_atomic


def read_log(path: Path) -> list[dict[str, str]]:
    """The lines of a log, [] where there is none yet."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def append_log(path: Path, line: Mapping[str, float]) -> None:
    """Add the line of an epoch; lines of that epoch or later ones (of a killed training) are replaced."""
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
