"""Memo: small facts that are slow to find out, in one JSON file: the input of a network, the digest of a file.

The key of a fact says all that it depends on (for a file its path, size and date), so that a fact is never
outdated. The file carries the sha256 of its facts; where it does not fit, all of them are found out again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from fewshot_bench.errors import FsbenchError
from fewshot_bench.files import write_atomic


class Memo:
    """Remembers JSON values under ``path`` (None: nowhere). A file that cannot be used is no error."""

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def get(self, key: str, find_out: Callable[[], Any]) -> Any:
        """Returns the value remembered for ``key``, else ``find_out()``, which is then remembered."""
        known = self._read()
        if key not in known:
            known = {**self._read(), key: find_out()}
            self._write(known)
        return known[key]

    def _read(self) -> dict[str, Any]:
        if self.path is not None:
            with suppress(OSError, ValueError, KeyError, TypeError):
                stored = json.loads(self.path.read_text("utf-8"))
                if stored["sha256"] == _digest(stored["facts"]):
                    return dict(stored["facts"])
        return {}

    def _write(self, known: dict[str, Any]) -> None:
        if self.path is None:
            return
        text = json.dumps({"sha256": _digest(known), "facts": known}, indent=1)
        with suppress(FsbenchError):
            write_atomic(self.path, lambda stream: stream.write(text.encode("utf-8")))


def _digest(facts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
