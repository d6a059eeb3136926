"""Facts: what was once worked out of a file or of its content, kept in one SQLite file of the cache.

It is a cache and nothing more: without it, or where it is damaged, everything is worked out again. Each value
carries a checksum, for SQLite itself does not notice a flipped bit inside a value.
"""

from __future__ import annotations

import sqlite3
import warnings
import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from fewshot_bench.paths import cache_dir

_TABLE = """CREATE TABLE IF NOT EXISTS sealed_facts
    (kind TEXT, key BLOB, value BLOB, PRIMARY KEY (kind, key)) WITHOUT ROWID"""
_WITHOUT_CHECKSUMS = "DROP TABLE IF EXISTS facts"  # the table of version 0.1.0
_REPLACE = "INSERT OR REPLACE INTO sealed_facts VALUES (?, ?, ?)"
_AT_ONCE = 500  # keys of one query, below SQLite's oldest limit of 999 parameters


class Facts:
    """A table of (kind, key) -> value, all bytes; safe with several processes and threads at once.

    A folder that cannot be written, or a damaged file, costs one warning and never a result.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or cache_dir() / "facts.sqlite"
        self._usable = True

    def get(self, kind: str, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Returns the values known of some keys; one whose checksum does not fit is not known."""
        wanted = list(keys)

        def select(db: sqlite3.Connection) -> list[tuple[bytes, bytes]]:
            found = []
            for start in range(0, len(wanted), _AT_ONCE):
                part = wanted[start : start + _AT_ONCE]
                marks = ",".join("?" * len(part))
                query = f"SELECT key, value FROM sealed_facts WHERE kind = ? AND key IN ({marks})"
                found += db.execute(query, [kind, *part]).fetchall()
            return found

        stored = dict(self._run(select)) if wanted else {}
        known = {key: value[:-4] for key, value in stored.items() if _fits(kind, key, value)}
        if len(known) < len(stored):
            warnings.warn(
                f"The cache {self.path} is damaged ({len(stored) - len(known)} values have another checksum); "
                "what they said is worked out again.",
                stacklevel=3,
            )
        return known

    def put(self, kind: str, items: Mapping[bytes, bytes]) -> None:
        """Remembers values, replacing older ones, in one transaction."""
        rows = [(kind, key, value + _checksum(kind, key, value)) for key, value in items.items()]
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
        except (
            sqlite3.DatabaseError,
            UnicodeDecodeError,
        ) as error:  # the latter in words about a damaged schema
            warnings.warn(f"The cache {self.path} is damaged ({error}) and is built anew.", stacklevel=5)
            for path in (self.path, self.path.with_name(f"{self.path.name}-journal")):
                path.unlink(missing_ok=True)
            return self._transact(work)

    def _transact(self, work: Callable[[sqlite3.Connection], list[Any]]) -> list[Any]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.path, timeout=60)) as db, db:
            db.text_factory = bytes  # a damaged value may claim to be text
            db.execute(_WITHOUT_CHECKSUMS)
            db.execute(_TABLE)
            return work(db)


def _checksum(kind: str, key: bytes, value: bytes) -> bytes:
    return zlib.crc32(value, zlib.crc32(key, zlib.crc32(kind.encode()))).to_bytes(4, "little")


def _fits(kind: str, key: bytes, value: Any) -> bool:
    """Whether a stored value ends with the checksum of what is before it."""
    return isinstance(value, bytes) and value[-4:] == _checksum(kind, key, value[:-4])
