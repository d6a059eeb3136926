"""Progress: how long work says how far it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """A callback that long work calls as it advances."""

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None:
        """``done`` of ``total`` steps of ``stage``; ``note`` is a few words (losses, images a second)."""


def silent(stage: str, done: int, total: int, note: str = "") -> None:
    """Returns the progress of a run that nobody watches."""
