"""The record store: a folder of JSON files with arrays beside them, written atomically."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.files import why, write_atomic
from fewshot_bench.records.record import Arrays, Record, migrate


def slug(text: str) -> str:
    """``text`` as a file name: letters, digits, dots and dashes."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.") or "unnamed"


def record_path(data: dict[str, Any]) -> Path:
    """Where a record lies in its results folder: a folder for each set of episodes, a file a configuration."""
    settings = json.dumps(data["parameters"], sort_keys=True).encode()
    folder = f"{slug(data['dataset'])}-{slug(data['variant'])}"
    episodes = f"{data['ways']}way-{data['shots']}shot-{data['episodes_sha256'][:10]}"
    return (
        Path(folder)
        / slug(episodes)
        / f"{slug(data['method'])}-{hashlib.sha256(settings).hexdigest()[:8]}.json"
    )


def save(record: Record, results: Path) -> Path:
    """Write a record below ``results`` and return the path of its JSON file.

    The arrays go first: a JSON file is never without them. Raises FsbenchError, one sentence, and
    leaves no partial file when the folder cannot be written to or the disk is full.
    """
    path = results / record_path(record.data)
    write_atomic(path.with_suffix(".npz"), lambda stream: np.savez_compressed(stream, **record.arrays))  # type: ignore[arg-type]
    write_atomic(path, lambda stream: stream.write(record.to_json().encode("utf-8")))
    return path


def read(path: Path) -> Record:
    """The record of a JSON file and the arrays beside it; FsbenchError, one sentence, for a damaged one."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FsbenchError(f"Cannot read the record {path}: {why(error)}.") from error
    except ValueError as error:
        raise FsbenchError(f"{path} is not a record: it holds no JSON ({error}).") from error
    if not isinstance(data, dict):
        raise FsbenchError(f"{path} is not a record: it holds a JSON {type(data).__name__}, not an object.")
    data = migrate(data, str(path))
    arrays: Arrays = {}
    beside = path.with_suffix(".npz")
    try:
        with np.load(beside, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise FsbenchError(
            f"The arrays of the record {path} cannot be read from {beside.name} ({error}); "
            "run the command stored in the record again."
        ) from error
    return Record(data, arrays)


def read_all(places: list[Path]) -> list[Record]:
    """All records at ``places``, files or folders searched to any depth, in the order of their paths."""
    files: list[Path] = []
    for place in places:
        if not place.exists():
            raise UsageError(f"There are no records at {place}: no such file or folder.")
        files += sorted(place.rglob("*.json")) if place.is_dir() else [place]
    return [read(path) for path in files if not path.name.startswith(".")]
