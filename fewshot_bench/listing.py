"""What is installed, as plain dictionaries: methods and data sets, the broken ones with their reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fewshot_bench import registry
from fewshot_bench.config import describe
from fewshot_bench.errors import FsbenchError
from fewshot_bench.paths import data_roots


def list_methods() -> list[dict[str, str]]:
    """One row a method name; ``broken`` holds the reason where its plugin cannot be loaded.

    Imports the modules of the plugins, which by contract import nothing heavy themselves.
    """
    rows = []
    for name, found in registry.entries(registry.METHODS).items():
        row = {
            "method": name,
            "summary": "",
            "kind": "",
            "distribution": " and ".join(f"{e.distribution} {e.version}" for e in found),
            "broken": "",
        }
        try:
            method = registry.load(registry.METHODS, name)
        except FsbenchError as error:
            row["broken"] = str(error)
        else:
            row["summary"] = method.summary
            row["kind"] = "transductive" if method.transductive else "inductive"
        rows.append(row)
    return rows


def show_method(name: str) -> dict[str, Any]:
    """Everything one method declares, its parameters one row each."""
    method = registry.load(registry.METHODS, name)
    found = registry.entry(registry.METHODS, name)
    return {
        "method": name,
        "summary": method.summary,
        "reference": method.reference,
        "distribution": f"{found.distribution} {found.version}",
        "kind": "transductive" if method.transductive else "inductive",
        "scores": "probabilities" if method.calibrated else "uncalibrated",
        "parameters": describe(method.Config),
    }


def list_datasets() -> list[dict[str, str]]:
    """One row a data set name with its variants; ``broken`` as for methods."""
    rows = []
    for name, found in registry.entries(registry.DATASETS).items():
        row = {
            "dataset": name,
            "summary": "",
            "variants": "",
            "distribution": " and ".join(f"{e.distribution} {e.version}" for e in found),
            "broken": "",
        }
        try:
            source = registry.load(registry.DATASETS, name)
        except FsbenchError as error:
            row["broken"] = str(error)
        else:
            row["summary"] = source.card.summary
            row["variants"] = ", ".join(source.variants)
        rows.append(row)
    return rows


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
