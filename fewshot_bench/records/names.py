"""Where a record lies in its results folder: names that a person can read and that no two identities share."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

DIGITS = 8
"""Hexadecimal digits of the identity in a file name."""

LONGEST_SETTINGS, LONGEST_VALUE, LONGEST_NAME = 80, 24, 50
"""Characters of all typed parameters, of one value and of a method or data set; all names are ASCII, so that a
file name has at most 230 bytes with a whole identity in it, and 255 are allowed."""


def slug(text: str, longest: int = LONGEST_NAME) -> str:
    """Returns ``text`` as a part of a file name: ASCII letters, digits, dots, dashes, ``_`` and ``=``."""
    return re.sub(r"[^A-Za-z0-9._=]+", "-", text)[:longest].strip("-._=") or "unnamed"


def record_path(data: dict[str, Any], digits: int = DIGITS) -> Path:
    """Returns the path of a record's JSON file, relative to its results folder.

    It is ``data set-variant / protocol-ways-shots-episodes / method-training seed-typed parameters-identity.json``.
    The last part holds ``digits`` digits of the identity, so that equal identities have one file and different
    ones have two.
    """
    folder = f"{slug(data['dataset'])}-{slug(data['variant'])}"
    counts = f"{data['ways']}way-{data['shots']}shot"
    episodes = f"{data['protocol']}-{counts}-{data['episodes_sha256'][:10]}"
    return Path(folder) / slug(episodes) / f"{stem(data, digits)}.json"


def stem(data: dict[str, Any], digits: int = DIGITS) -> str:
    """Returns the name of a record's files without their ending."""
    parts = [slug(data["method"])]
    if data.get("train_seed", 0):
        parts.append(f"trained{data['train_seed']}")
    typed = [
        f"{slug(key, LONGEST_VALUE)}={short(value)}" for key, value in data.get("parameters_set", {}).items()
    ]
    if typed:
        parts.append(slug("-".join(typed), LONGEST_SETTINGS))
    return "-".join([*parts, data["identity"][:digits]])


def short(value: Any) -> str:
    """Returns a parameter's value for a file name; of a path, its last part alone."""
    text = str(value)
    return slug(PurePosixPath(text).name if "/" in text else text, LONGEST_VALUE)
