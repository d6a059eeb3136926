"""Lazy registry of entry points: names are listed without importing, one broken plugin breaks itself only."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any

from fewshot_bench.errors import FsbenchError, UsageError

API_VERSIONS = (1,)
"""Versions of the plugin API that this release runs."""

METHODS = "fewshot_bench.methods"
DATASETS = "fewshot_bench.datasets"
KINDS = {METHODS: "method", DATASETS: "dataset"}


@dataclass(frozen=True, order=True)
class Entry:
    """One entry point as its distribution declares it; nothing of it is imported yet."""

    name: str
    value: str
    distribution: str
    version: str


@cache
def entries(group: str) -> dict[str, tuple[Entry, ...]]:
    """Returns all entries of a group by name, in alphabetical order; more than one where distributions clash."""
    found: dict[str, set[Entry]] = {}
    for point in metadata.entry_points(group=group):
        dist = point.dist
        owner = (dist.metadata["Name"], dist.version) if dist else ("unknown", "0")
        found.setdefault(point.name, set()).add(Entry(point.name, point.value, *owner))
    return {name: tuple(sorted(found[name])) for name in sorted(found)}


def entry(group: str, name: str) -> Entry:
    """Returns the entry of a name; a sentence where there is none ("did you mean") or more than one (both named)."""
    known, kind = entries(group), KINDS[group]
    if name not in known:
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else f"`fsbench {kind}s` lists those installed."
        raise UsageError(f"There is no {kind} named {name!r}; {hint}")
    if len(known[name]) > 1:
        owners = " and ".join(f"{e.distribution} {e.version} ({e.value})" for e in known[name])
        raise FsbenchError(
            f"Two {kind}s are named {name!r}, from {owners}; uninstall one of these distributions, "
            "or ask the author of one to rename it."
        )
    return known[name][0]


def load(group: str, name: str) -> Any:
    """Imports the class behind a name and check that it keeps the contract.

    Raises UsageError for an unknown name, FsbenchError for a plugin that fails to import, declares no
    ``api_version``, or one this release does not run.
    """
    found = entry(group, name)
    where = f"The {KINDS[group]} {name!r} of {found.distribution} {found.version}"
    try:
        point = metadata.EntryPoint(name=name, value=found.value, group=group)
        loaded = point.load()
    except Exception as error:  # a plugin may raise anything; it must not take the others down
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise FsbenchError(
            f"{where} cannot be loaded ({found.value}: {reason}); update or uninstall that distribution."
        ) from error
    version = getattr(loaded, "api_version", None)
    if version not in API_VERSIONS:
        stated = "states no api_version" if version is None else f"was written for API version {version!r}"
        raise FsbenchError(
            f"{where} {stated}, and this release runs version {API_VERSIONS[-1]}; "
            "update the plugin or fewshot-bench."
        )
    return loaded
