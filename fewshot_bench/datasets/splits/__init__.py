"""Published class splits, kept as they were published: one CSV each, its source in the lines that begin with #."""

from __future__ import annotations

import csv
from importlib import resources


def read_split(name: str) -> list[dict[str, str]]:
    """Returns the rows of the published split ``name`` (a CSV of this folder), by column."""
    text = (resources.files(__name__) / f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
