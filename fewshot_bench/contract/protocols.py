"""Protocols by name: those of the package's table, and those that plugins add to it."""

from __future__ import annotations

from fewshot_bench.contract import registry
from fewshot_bench.errors import UsageError
from fewshot_bench.protocols import PROTOCOLS, Protocol


def protocol_names() -> list[str]:
    """Returns the names of all protocols; nothing of a plugin is imported."""
    return [*PROTOCOLS, *(name for name in registry.entries(registry.PROTOCOLS) if name not in PROTOCOLS)]


def protocol(name: str) -> Protocol:
    """Returns the protocol of a name: a row of the package's table, or the one of a plugin.

    Raises UsageError, with all names, where there is none, and FsbenchError for a plugin that cannot be loaded.
    """
    if name in PROTOCOLS:
        return PROTOCOLS[name]
    if name not in registry.entries(registry.PROTOCOLS):
        raise UsageError(f"--protocol is one of {', '.join(protocol_names())}, not {name!r}.")
    loaded: Protocol = registry.load(registry.PROTOCOLS, name)
    return loaded
