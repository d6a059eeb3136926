"""What is installed, as plain dictionaries: methods and data sets, the broken ones with their reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fewshot_bench import registry
from fewshot_bench.config import describe
from fewshot_bench.errors import FsbenchError
from fewshot_bench.paths import data_roots


def rows(group: str, describe: Callable[[Any], dict[str, str]]) -> list[dict[str, str]]:
    """One row a name of an entry-point group, broken or not; ``describe`` adds what a loaded class says."""
    found = []
    for name, owners in registry.entries(group).items():
        row = {registry.KINDS[group]: name}
        try:
            row |= describe(registry.load(group, name)) | {"broken": ""}
        except FsbenchError as error:
            row["broken"] = str(error)
        row["distribution"] = " and ".join(f"{e.distribution} {e.version}" for e in owners)
        found.append(row)
    return found


def list_methods() -> list[dict[str, str]]:
    """One row a method: name, summary, kind, distribution; ``broken`` says why one cannot be loaded.

    Imports the modules of the plugins, which by contract import nothing heavy themselves.
    """
    return rows(registry.METHODS, lambda method: {"summary": method.summary, "kind": kind(method)})


def list_datasets() -> list[dict[str, str]]:
    """One row a data set: name, summary, variants, distribution; ``broken`` as for methods."""
    return rows(
        registry.DATASETS,
        lambda source: {"summary": source.card.summary, "variants": ", ".join(source.variants)},
    )


def kind(method: Any) -> str:
    """Whether the scores of a query may depend on other queries."""
    return "transductive" if method.transductive else "inductive"


def show_method(name: str) -> dict[str, Any]:
    """Everything one method declares, its parameters one row each."""
    method = registry.load(registry.METHODS, name)
    found = registry.entry(registry.METHODS, name)
    return {
        "method": name,
        "summary": method.summary,
        "reference": method.reference,
        "distribution": f"{found.distribution} {found.version}",
        "kind": kind(method),
        "scores": "probabilities" if method.calibrated else "uncalibrated",
        "parameters": describe(method.Config),
    }


def show_dataset(name: str, data_root: Path | None = None) -> dict[str, str]:
    """The card of one data set, where it is looked for, and what is found there."""
    source = registry.load(registry.DATASETS, name)()
    card = source.card
    shown = {
        "dataset": name,
        "summary": card.summary,
        "licence": card.licence,
        "published": card.published,
        "layout": card.layout,
        "reference": card.reference,
        "variants": "\n".join(f"{key}: {text}" for key, text in source.variants.items()),
    }
    if source.folders:
        places = [root / folder for root in data_roots(data_root) for folder in source.folders]
        shown["looked for"] = "\n".join(map(str, places))
        here = next((place for place in places if place.is_dir()), None)
        shown["found"] = str(here) if here else "not here"
    return {key: text for key, text in shown.items() if text}
