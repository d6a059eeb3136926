"""Rooms of the cache folder beside embeddings: their sizes, and their removal."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

ROOMS = {
    "indexes": "indexes of big folders: made again in minutes",
    "exported": "networks for ONNX Runtime: made again in seconds",
    "runs": "finished parts of interrupted runs",
    "checkpoints": "trained networks: hours of work",
}
"""Folders of the cache and what they are for; each entry of a folder stands by itself."""


@dataclass(frozen=True)
class Room:
    """One folder of the cache: its entries (files or folders) and their size in bytes."""

    name: str
    entries: tuple[Path, ...]
    size: int


def rooms(cache: Path) -> list[Room]:
    """Returns the folders of the cache that hold something."""
    found = []
    for name in ROOMS:
        entries = tuple(sorted((cache / name).glob("*")))
        size = sum(p.stat().st_size for entry in entries for p in (entry, *entry.rglob("*")) if p.is_file())
        if entries:
            found.append(Room(name, entries, size))
    return found


def last_used(entry: Path) -> float:
    """Returns when anything in an entry was last written, or its date set by a use (Unix seconds)."""
    return max(path.stat().st_mtime for path in (entry, *entry.rglob("*")))


def prune(room: Room, older_than_days: float | None) -> int:
    """Removes the entries not used for so many days (None for all) and returns how many it removed."""
    removed = 0
    for entry in room.entries:
        if older_than_days is not None and time.time() - last_used(entry) < older_than_days * 86400:
            continue
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()
        removed += 1
    return removed
