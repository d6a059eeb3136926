"""Clock: where the time of a run went."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from fewshot_bench.progress import Progress


class Counter:
    """A progress that passes everything on, and knows how many pictures were encoded (``embed``)."""

    def __init__(self, onward: Progress) -> None:
        self.onward = onward
        self.encoded = 0

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Passes a step on."""
        if stage == "embed":
            self.encoded = max(self.encoded, done)
        self.onward(stage, done, total, *([note] if note else []))


class Clock:
    """Seconds spent in each named stage of a run."""

    def __init__(self) -> None:
        self.start = time.perf_counter()
        self.stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the time spent inside to the stage ``name``."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.stages[name] = self.stages.get(name, 0.0) + time.perf_counter() - begun

    def timings(self, encoded: int = 0) -> dict[str, float]:
        """Returns all stages and the total, in seconds.

        Where pictures were ``encoded``, ``picture`` is the time of the stage ``embed`` for each of them, decoding
        included; it is missing where all vectors were cached.
        """
        total = time.perf_counter() - self.start
        found = {name: round(seconds, 4) for name, seconds in {**self.stages, "total": total}.items()}
        return found | ({"picture": round(self.stages["embed"] / encoded, 6)} if encoded else {})
