"""Clock: where the time of a run went."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


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

    def timings(self) -> dict[str, float]:
        """Returns all stages and the total, in seconds."""
        total = time.perf_counter() - self.start
        return {name: round(seconds, 4) for name, seconds in {**self.stages, "total": total}.items()}
