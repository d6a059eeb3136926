"""Data sets that are not files: pictures in an archive, a table or a database, each read as bytes by its key."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from fewshot_bench.data.build import Row, build_index, once, printable_rows, sorted_out
from fewshot_bench.data.decode import decode, open_rgb
from fewshot_bench.data.scan import CLOSED, Contents, Scan, keep_defects, known_defects
from fewshot_bench.errors import FsbenchError

if TYPE_CHECKING:
    from PIL.Image import Image

    from fewshot_bench.data.index import ImageIndex

AT_ONCE = 64
"""Pictures whose bytes are held at once."""

Read = Callable[[str], bytes]
"""Gives the bytes of the picture file of a key."""


def index_of_bytes(
    name: str,
    rows: Iterable[Row | tuple[str, str]],
    read: Read,
    *,
    variant: str = "default",
    guards: Mapping[str, int] | None = None,
    links: Iterable[tuple[int, int]] = (),
    notes: Iterable[str] = (),
    scan: Scan | None = None,
) -> ImageIndex:
    """Returns the index of pictures whose files are read by a function: of a zip, a parquet table, a database.

        archive = zipfile.ZipFile("shop.zip")
        rows = [Row(key, label=key.split("/")[0]) for key in archive.namelist() if key.endswith(".jpg")]
        index = index_of_bytes("shop", rows, archive.read)

    Every picture is read once to find its digest, and decoded once for each content; unreadable ones are left out
    and named in the index. A picture that is read later has to have the bytes that it had then.

    Parameters
    ----------
    rows : one a picture; ``Row.path`` is its key, a text of the author's choice. A pair (key, label) will do.
    read : returns the bytes of a picture file (JPEG, PNG, …) of a key; never called by two threads at once.
    guards, links, notes : as in ``build_index``.
    scan : says how far the reading is, and where what is known of contents is kept.

    Raises FsbenchError for a key that is listed twice, a result of ``read`` that is not bytes, and when no picture
    can be read. What ``read`` raises makes its picture unreadable.
    """
    listed = [row if isinstance(row, Row) else _row(row, name) for row in rows]
    proper, unprintable = printable_rows(listed)
    where = f"of {name}"
    once(proper, where)
    source = Bytes(name, read)
    found = source.contents([row.path for row in proper], scan or Scan())
    readable = sorted_out(source.open, proper, found, unprintable, where)
    return build_index(name, variant, readable, guards=guards, links=links, notes=notes)


def _row(row: Any, name: str) -> Row:
    if not isinstance(row, tuple | list) or len(row) != 2 or not all(isinstance(part, str) for part in row):
        raise FsbenchError(
            f"{name} has the row {row!r}: give Row(key, label, …), or a pair of texts (key, label)."
        )
    return Row(*row)


@dataclass(eq=False)
class Bytes:
    """The pictures behind ``read``, and the digest of each key that was read before."""

    name: str
    read: Read
    lock: Any = field(default_factory=Lock)
    digests: dict[str, bytes] = field(default_factory=dict)

    def bytes(self, key: str) -> bytes:
        """Returns the bytes of a key; FsbenchError where ``read`` gives anything else."""
        with self.lock:
            data = self.read(key)
        if not isinstance(data, bytes | bytearray | memoryview):
            raise FsbenchError(
                f"read({key!r}) of the data set {self.name} returned {type(data).__name__}: return the bytes of a "
                "picture file."
            )
        return bytes(data)

    def open(self, key: str) -> Image:
        """Returns the picture of a key; FsbenchError where its bytes are not those that were indexed."""
        try:
            data = self.bytes(key)
        except FsbenchError:
            raise
        except Exception as error:
            raise FsbenchError(
                f"{key} of the data set {self.name} {_reason(error)}: check its source."
            ) from error
        if hashlib.sha256(data).digest() != self.digests.get(key):
            raise FsbenchError(
                f"{key} of the data set {self.name} has other bytes than when it was indexed: make the index anew."
            )
        return open_rgb(data, name=f"{key} of the data set {self.name}")

    def contents(self, keys: list[str], scan: Scan) -> Contents:
        """Returns the digests and defects of all keys; each content is decoded once, and remembered."""
        defects: list[str] = []
        with ThreadPoolExecutor(min(16, os.cpu_count() or 1)) as pool:
            for start in range(0, len(keys), AT_ONCE):
                defects += self._look(keys[start : start + AT_ONCE], scan, pool)
                if scan.progress is not None:
                    scan.progress(len(defects), len(keys))
        table = b"".join(self.digests.get(key, bytes(32)) for key in keys)
        return Contents(
            digests=np.frombuffer(table, dtype=np.uint8).reshape(-1, 32),
            defects=tuple(defects),
            stamps=np.zeros((len(keys), 2), dtype=np.int64),
        )

    def _look(self, keys: list[str], scan: Scan, pool: ThreadPoolExecutor) -> list[str]:
        """Returns the defects of a few keys, "" for a picture that decodes."""
        data: dict[bytes, bytes] = {}
        closed: dict[str, str] = {}
        for key in keys:
            try:
                content = self.bytes(key)
            except FsbenchError:
                raise
            except Exception as error:  # a plugin's function may raise anything; the other pictures are read
                closed[key] = _reason(error)
                continue
            self.digests[key] = hashlib.sha256(content).digest()
            data[self.digests[key]] = content
        known = known_defects(scan, data)
        fresh = [digest for digest in data if digest not in known]
        decoded = pool.map(lambda digest: decode(data[digest])[0], fresh)
        found = dict(zip(fresh, decoded, strict=True))
        keep_defects(scan, found)
        known |= found
        return [closed[key] if key in closed else known[self.digests[key]] for key in keys]


def _reason(error: Exception) -> str:
    """Returns why a key cannot be read, as a defect."""
    return f"{CLOSED}: {type(error).__name__}: {error}"
