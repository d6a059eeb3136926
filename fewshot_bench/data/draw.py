"""A draw that is the same everywhere and for ever, and of each name whatever other names there are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def fixed_order(names: Iterable[str]) -> list[str]:
    """Names in the order of the sha256 of their UTF-8."""
    return sorted(names, key=lambda name: hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest())
