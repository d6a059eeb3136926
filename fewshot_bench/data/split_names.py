"""Splits of classes under the names that other libraries give them."""

from __future__ import annotations

from fewshot_bench.errors import UsageError

SPLITS = ("base", "validation", "novel", "all")
"""Class splits: ``base`` is trained on, ``validation`` selected on, ``novel`` evaluated; ``all`` without splits."""

OTHER_NAMES = {
    "base": ("train", "training", "meta-train", "metatrain", "background"),
    "validation": ("val", "valid", "dev", "meta-val", "metaval", "meta-validation"),
    "novel": ("test", "testing", "meta-test", "metatest", "evaluation"),
    "all": ("",),
}
"""What other libraries call a split of classes; case does not count."""

_KNOWN = {other: split for split, names in OTHER_NAMES.items() for other in (split, *names)}


def class_split(name: str, where: str = "The split of a class") -> str:
    """Returns the one of ``SPLITS`` that a name stands for ("" is ``all``); UsageError, after ``where``, for others."""
    found = _KNOWN.get(str(name).strip().lower().replace("_", "-"))
    if found is None:
        known = "; ".join(f"{split} ({', '.join(OTHER_NAMES[split])})" for split in SPLITS[:3])
        raise UsageError(f"{where} is {name!r}: write {known}, or all.")
    return found


def known_split(name: str) -> str | None:
    """Returns the split of classes that a name stands for, or None where it is no name of one."""
    return _KNOWN.get(name.strip().lower().replace("_", "-")) if name else None
