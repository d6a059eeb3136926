"""Facts: what was once worked out of a file or of its content, kept in one SQLite file of the cache.

A cache and nothing more: without it, or where it is damaged, everything is worked out again.
"""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from fewshot_bench.paths import cache_dir

_TABLE = """CREATE TABLE IF NOT EXISTS facts
    (kind TEXT, key BLOB, value BLOB, PRIMARY KEY (kind, key)) WITHOUT ROWID"""
_REPLACE = "INSERT OR REPLACE INTO facts VALUES (?, ?, ?)"
_AT_ONCE = 500  # keys of one query, below SQLite's oldest limit of 999 parameters


class Facts:
    """A table of (kind, key) -> value, all bytes; safe with several processes and threads at once.

    A folder that cannot be written, or a damaged file, costs one warning and never a result.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or cache_dir() / "facts.sqlite"
        self._usable = True

    def get(self, kind: str, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """The values known of some keys."""
        wanted = list(keys)

        def select(db: sqlite3.Connection) -> list[tuple[bytes, bytes]]:
            found = []
            for start in range(0, len(wanted), _AT_ONCE):
                part = wanted[start : start + _AT_ONCE]
                marks = ",".join("?" * len(part))
                query = f"SELECT key, value FROM facts WHERE kind = ? AND key IN ({marks})"
                found += db.execute(query, [kind, *part]).fetchall()
            return found

        return dict(self._run(select)) if wanted else {}

    def put(self, kind: str, items: Mapping[bytes, bytes]) -> None:
        """Remember values, replacing older ones, in one transaction."""
        rows = [(kind, key, value) for key, value in items.items()]
        if rows:
            self._run(lambda db: db.executemany(_REPLACE, rows).fetchall())

    def _run(self, work: Callable[[sqlite3.Connection], list[Any]]) -> list[Any]:
        """``work`` in a transaction, or nothing (after one warning) where the cache cannot be used."""
        if not self._usable:
            return []
        try:
            return self._mended(work)
        except (sqlite3.Error, OSError) as error:
            self._usable = False
            warnings.warn(
                f"The cache {self.path} cannot be used ({error}), so pictures are read anew at every start: "
                "set FSBENCH_CACHE to a folder that can be written.",
                stacklevel=4,
            )
            return []

    def _mended(self, work: Callable[[sqlite3.Connection], list[Any]]) -> list[Any]:
        """``work`` in a transaction, on a new file where this one is damaged."""
        try:
            return self._transact(work)
        except sqlite3.OperationalError:  # locked, read-only, full: the file itself is sound
            raise
        except sqlite3.DatabaseError as error:
            warnings.warn(f"The cache {self.path} is damaged ({error}) and is built anew.", stacklevel=5)
            for path in (self.path, self.path.with_name(f"{self.path.name}-journal")):
                path.unlink(missing_ok=True)
            return self._transact(work)

    def _transact(self, work: Callable[[sqlite3.Connection], list[Any]]) -> list[Any]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.path, timeout=60)) as db, db:
            db.execute(_TABLE)
            return work(db)
