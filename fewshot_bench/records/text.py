"""Text of records: names that are no UTF-8 (surrogates, as ``os.fsdecode`` gives them) and numbers that are none."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from fewshot_bench.errors import UNSEEN, FsbenchError


def escaped(text: str) -> str:
    """Returns JSON text in which what a terminal would act upon is written as JSON's own escapes."""
    return UNSEEN.sub(lambda found: found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}", text)


def encode(data: Any, *, indent: int | None = None) -> bytes:
    """Returns JSON in UTF-8; a surrogate becomes JSON's own escape, which ``json.loads`` gives back as it was.

    So does what a terminal would act upon.
    """
    text = json.dumps(data, indent=indent, ensure_ascii=False, allow_nan=False)
    return escaped(text).encode("utf-8", "backslashreplace")


def plain(value: Any, where: str, missing: dict[str, str]) -> Any:
    """Returns ``value`` as JSON can hold it: NumPy's numbers as Python's, tuples as lists, keys as text.

    A number that is not finite becomes None, and ``missing`` gets its place and what it was ("nan"). Raises
    FsbenchError, naming the place, for anything that JSON cannot hold.
    """
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        value = value.item()
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        missing[where] = str(value)
        return None
    if isinstance(value, Mapping):
        return {str(k): plain(v, f"{where}.{k}" if where else str(k), missing) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v, f"{where}[{i}]", missing) for i, v in enumerate(value)]
    raise FsbenchError(
        f"{where} of the record is a {type(value).__name__}, which JSON cannot hold; the method has to give numbers, "
        "text, lists or dictionaries."
    )
