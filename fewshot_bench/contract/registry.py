"""Lazy registry of entry points: names are listed without importing, one broken plugin breaks itself only."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any

from fewshot_bench.contract.defects import (
    dataset_defect,
    method_defect,
    metric_defect,
    protocol_defect,
    sampler_defect,
)
from fewshot_bench.contract.guard import Guard
from fewshot_bench.errors import FsbenchError, PluginError, UsageError

METHODS = "fewshot_bench.methods"
DATASETS = "fewshot_bench.datasets"
METRICS = "fewshot_bench.metrics"
PROTOCOLS = "fewshot_bench.protocols"
SAMPLERS = "fewshot_bench.samplers"
KINDS = {
    METHODS: "method",
    DATASETS: "dataset",
    METRICS: "metric",
    PROTOCOLS: "protocol",
    SAMPLERS: "sampler",
}
DEFECTS: dict[str, Callable[[Any], str]] = {
    METHODS: method_defect,
    DATASETS: dataset_defect,
    METRICS: metric_defect,
    PROTOCOLS: protocol_defect,
    SAMPLERS: sampler_defect,
}
"""For each group, what says what a loaded plugin lacks."""


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
        found.setdefault(point.name, set()).add(Entry(point.name, point.value, *_owner(point)))
    return {name: tuple(sorted(found[name])) for name in sorted(found)}


def _owner(point: metadata.EntryPoint) -> tuple[str, str]:
    """Name and version of the distribution of an entry point; its files may be damaged."""
    try:
        name, version = (point.dist.metadata["Name"], point.dist.version) if point.dist else (None, None)
    except Exception:  # metadata without a version raises what its reader stumbles over
        name, version = None, None
    return str(name or "unknown"), str(version or "0")


def entry(group: str, name: str) -> Entry:
    """Returns the entry of a name; a sentence where there is none ("did you mean") or more than one (both named)."""
    known, kind = entries(group), KINDS[group]
    if name not in known:
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
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
    """Imports the class (of a protocol: the row) behind a name and checks that it has what lists and records need.

    Raises UsageError for an unknown name, FsbenchError for a plugin that fails to import or that lacks something
    (see ``defects.py``). Whatever the plugin does when it is imported, it takes no other down.
    """
    found = entry(group, name)
    where = f"The {KINDS[group]} {name!r} of {found.distribution} {found.version}"
    try:
        with Guard(where)("its import"):
            loaded = metadata.EntryPoint(name=name, value=found.value, group=group).load()
            defect = DEFECTS[group](loaded)
    except PluginError as error:
        raise FsbenchError(
            f"{where} cannot be loaded ({found.value}: {error.reason}); update or uninstall that distribution."
        ) from error.__cause__
    if defect:
        raise FsbenchError(f"{where} {defect}.")
    return loaded
