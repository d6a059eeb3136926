"""A draw that is the same everywhere and for ever, and of each name whatever other names there are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

SHARE = 0.2
"""Of the classes of a data set without published splits: held out as novel, and as many again for validation."""


def fixed_order(names: Iterable[str]) -> list[str]:
    """Names in the order of the sha256 of their UTF-8."""
    return sorted(names, key=lambda name: hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest())


def held_out(names: set[str]) -> dict[str, str]:
    """Each class's split by a fixed draw: the first fifth (rounded) in ``fixed_order`` novel, the second validation."""
    order = fixed_order(names)
    share = round(SHARE * len(order))
    return {
        name: "novel" if i < share else "validation" if i < 2 * share else "base"
        for i, name in enumerate(order)
    }
