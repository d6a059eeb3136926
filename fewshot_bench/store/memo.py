"""Memo: small facts that are slow to find out and keep until their key changes, in one JSON file."""

from __future__ import annotations

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
        """The value remembered for ``key``, else ``find_out()``, which is then remembered."""
        known = self._read()
        if key not in known:
            known = {**self._read(), key: find_out()}
            self._write(known)
        return known[key]

    def _read(self) -> dict[str, Any]:
        if self.path is not None:
            with suppress(OSError, ValueError):
                known = json.loads(self.path.read_text("utf-8"))
                return known if isinstance(known, dict) else {}
        return {}

    def _write(self, known: dict[str, Any]) -> None:
        if self.path is None:
            return
        text = json.dumps(known, indent=1)
        with suppress(FsbenchError):
            write_atomic(self.path, lambda stream: stream.write(text.encode("utf-8")))
