"""A draw of classes that is the same everywhere and for ever, and does not depend on which other names there are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

SHARE = 0.2
"""The share of classes, 0..1, that is held out as novel where no split is published; validation gets as many."""


def fixed_order(names: Iterable[str]) -> list[str]:
    """Returns names in the order of the sha256 of their UTF-8."""
    return sorted(names, key=lambda name: hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest())


def held_out(names: set[str]) -> dict[str, str]:
    """Returns the split of each class by a fixed draw.

    The first fifth (rounded) of the classes in ``fixed_order`` is novel, the second fifth validation, the rest
    base.
    """
    order = fixed_order(names)
    share = round(SHARE * len(order))
    return {
        name: "novel" if i < share else "validation" if i < 2 * share else "base"
        for i, name in enumerate(order)
    }
