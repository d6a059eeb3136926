"""Memory of decoded pictures: what all threads together may hold at once, and pictures taken a band at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from fewshot_bench.errors import UsageError

MAX_PIXELS = 178_956_970
"""The most pixels of a picture that is decoded, unless FSBENCH_MAX_PIXELS says otherwise; from there on Pillow
takes a picture for a decompression bomb."""

MAX_BYTES = 2**30
"""The most bytes of a picture's file."""

PER_PIXEL = 9
"""Bytes that a pixel takes at most while its picture is decoded and made smaller: up to 4 as it is stored and 4 as
RGB, or as RGB twice, and one in between."""

TOTAL = 2**30
"""Bytes that the decoded pictures of all threads may take together; one that takes more is alone."""

SMALL = 2**22
"""Bytes below which a picture counts nothing."""

BAND = 2**20
"""Pixels that are converted at once."""


class Budget:
    """Bytes that threads take and give back; who asks for more than is left waits for the others."""

    def __init__(self, total: int = TOTAL) -> None:
        self.total, self.used, self.most = total, 0, 0
        self._turn = threading.Condition()
        self._own = threading.local()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Gives back, at the end of the outermost such block of a thread, what the block has taken."""
        if getattr(self._own, "amount", None) is not None:
            yield
            return
        self._own.amount = 0
        try:
            yield
        finally:
            with self._turn:
                self.used -= self._own.amount
                self._own.amount = None
                self._turn.notify_all()

    def take(self, amount: int) -> None:
        """Waits until ``amount`` bytes are left, within ``held``.

        A thread that holds some does not wait, so that no two wait for each other; nor does one when nothing is held.
        """
        if amount < SMALL:
            return
        mine = self._own.amount
        with self._turn:
            self._turn.wait_for(lambda: mine or not self.used or self.used + amount <= self.total)
            self.used += amount
            self.most = max(self.most, self.used)
        self._own.amount = mine + amount


BUDGET = Budget()
"""The budget of this process."""


def max_pixels() -> int:
    """Returns the most pixels of a picture that is decoded; UsageError where FSBENCH_MAX_PIXELS is no number."""
    text = os.environ.get("FSBENCH_MAX_PIXELS", "")
    if not text:
        return MAX_PIXELS
    if not (text.isascii() and text.isdigit() and int(text[:18]) > 0 and len(text) <= 18):
        raise UsageError(f"FSBENCH_MAX_PIXELS is {text[:40]!r}: set a whole number, such as {MAX_PIXELS}.")
    return int(text)


def bands(width: int, height: int) -> Iterator[tuple[int, int]]:
    """Yields (first row, last row + 1) of the bands of a picture, each of about ``BAND`` pixels."""
    step = max(1, BAND // max(1, width))
    for top in range(0, height, step):
        yield top, min(height, top + step)
