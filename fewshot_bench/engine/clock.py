"""Clock: where the time of a run went."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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
        self.onward(stage, done, total, note)


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

    def encoding(self, counter: Counter) -> dict[str, Any]:
        """Returns what a record keeps of the encoding of its pictures; empty where all of their vectors were cached.

        ``pictures`` counts those that were encoded in this run, and ``seconds`` is the time of the stage, in which
        decoding is part.
        """
        if not counter.encoded:
            return {}
        return {"encoded": {"pictures": counter.encoded, "seconds": round(self.stages["embed"], 4)}}

    def timings(self) -> dict[str, float]:
        """Returns all stages and the total, in seconds."""
        total = time.perf_counter() - self.start
        return {name: round(seconds, 4) for name, seconds in {**self.stages, "total": total}.items()}
