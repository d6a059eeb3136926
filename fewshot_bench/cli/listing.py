"""Listing: methods, metrics and data sets that are installed, as plain dictionaries; broken ones have a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from fewshot_bench.cli.times import typical_times
from fewshot_bench.contract import registry
from fewshot_bench.contract.config import describe
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.datasets.locate import load_dataset
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.paths import data_roots
from fewshot_bench.progress import Progress, silent
from fewshot_bench.protocols import PROTOCOLS, Protocol


def rows(group: str, describe: Callable[[Any], dict[str, str]]) -> list[dict[str, str]]:
    """Returns one row for each name of an entry-point group, broken or not.

    ``describe`` adds what a loaded class says.
    """
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


def list_methods(results: Path = Path("results")) -> list[dict[str, Any]]:
    """Returns one row a method: name, summary, kind, distribution; ``broken`` says why one cannot be loaded.

    ``trains`` is yes or no, with the default parameters. ``training_s`` and ``episodes_s`` are median seconds of a
    training and of 1000 episodes by the records in ``results``; None where there are none. This imports the modules of
    the plugins, which by contract import nothing heavy themselves.
    """
    times = typical_times(results)
    listed: list[dict[str, Any]] = []
    for row in rows(registry.METHODS, lambda m: {"summary": m.summary, "kind": kind(m), "trains": trains(m)}):
        took = times.get(row["method"], {})
        listed.append(row | {"training_s": took.get("training"), "episodes_s": took.get("episodes")})
    return listed


def list_datasets() -> list[dict[str, str]]:
    """Returns one row a data set: name, summary, variants, distribution; ``broken`` says why one cannot be loaded."""
    return rows(
        registry.DATASETS,
        lambda source: {"summary": source.card.summary, "variants": ", ".join(source.variants)},
    )


def list_metrics() -> list[dict[str, str]]:
    """Returns one row a metric: name, summary, ``of`` (scores or probabilities), distribution, ``broken``."""
    return rows(
        registry.METRICS,
        lambda metric: {
            "summary": metric.summary,
            "of": "probabilities" if metric.calibrated else "scores",
            "reference": metric.reference,
        },
    )


def list_samplers() -> list[dict[str, str]]:
    """Returns one row a sampler: name, summary, reference, distribution, ``broken``."""
    return rows(
        registry.SAMPLERS, lambda sampler: {"summary": sampler.summary, "reference": sampler.reference}
    )


def list_protocols() -> list[dict[str, str]]:
    """Returns one row a protocol, the package's own first: what ``facts`` says, its distribution, ``broken``."""
    own = [
        {"protocol": row.name, **facts(row), "broken": "", "distribution": "fewshot-bench"}
        for row in PROTOCOLS.values()
    ]
    return own + rows(registry.PROTOCOLS, facts)


def facts(row: Protocol) -> dict[str, str]:
    """Returns what a list shows of a protocol."""
    return {
        "summary": row.summary,
        "ways": str(row.ways),
        "shots": str(row.shots),
        "queries": "15, or all" if row.queries is None else str(row.queries),
        "ranked by": {"map": "mAP", "accuracy": "accuracy"}[row.headline],
        "sampler": row.sampler,
    }


def kind(method: Any) -> str:
    """Returns ``transductive`` when the scores of a query may depend on other queries, else ``inductive``."""
    setting = "transductive" if method.transductive else "inductive"
    return f"{setting}, reads class names" if getattr(method, "reads_names", False) else setting


def trains(method: Any) -> str:
    """Returns ``yes`` when the method trains on base data with its default parameters, else ``no``."""
    try:
        made = method()
    except Exception:
        made = method
    return "yes" if made.trains else "no"


def show_method(name: str) -> dict[str, Any]:
    """Returns everything that one method declares, with its parameters one row each."""
    method = registry.load(registry.METHODS, name)
    found = registry.entry(registry.METHODS, name)
    return {
        "method": name,
        "summary": method.summary,
        "reference": method.reference,
        "distribution": f"{found.distribution} {found.version}",
        "kind": kind(method),
        "trains": trains(method),
        "scores": "probabilities" if method.calibrated else "uncalibrated",
        "parameters": describe(method.Config),
    }


def show_dataset(
    name: str, data_root: Path | None = None, *, verify: bool = False, progress: Progress = silent
) -> dict[str, Any]:
    """Returns the card of a data set (NAME, NAME:VARIANT, a folder, a CSV file).

    It says what the set is, where it is looked for and what is there; ``missing`` is a sentence when that
    cannot be shown. Raises UsageError for an unknown name or variant.
    """
    from fewshot_bench.audit.card import found
    from fewshot_bench.data.scan import Scan
    from fewshot_bench.datasets.find import find_source

    source, path, asked = find_source(name)
    places = [root / folder for root in data_roots(data_root) for folder in source.folders]
    places = places if path is None else [path]

    def load(variant: str | None) -> ImageIndex:
        return load_dataset(
            source,
            path=path,
            data_root=data_root,
            variant=variant,
            verify=verify,
            progress=lambda done, total: progress("scan", done, total),
        )

    shown = {"dataset": source.name if path is None else name, **asdict(source.card)}
    shown["variants"] = {key: {"about": text} for key, text in source.variants.items()}
    shown["looked_for"] = list(map(str, places))
    shown["place"] = next((str(place) for place in places if place.exists()), None)
    try:
        index = load(asked)
        scan = Scan(progress=lambda done, total: progress("reading pictures", done, total))
        index.require_current()
        shown["found"] = found(index, scan)
    except FsbenchError as error:
        if isinstance(error, UsageError) and asked is not None:
            raise
        return {**shown, "found": None, "missing": str(error)}
    for variant, row in shown["variants"].items():
        if variant == index.variant:
            row |= size(index)
        elif asked is None:
            row |= size_of(partial(load, variant))
    return shown


def size(index: ImageIndex) -> dict[str, int]:
    """Returns how many classes and images an index has."""
    return {"classes": len(index.class_names), "images": len(index)}


def size_of(load: Callable[[], ImageIndex]) -> dict[str, Any]:
    """Returns the size of an index that is not loaded yet, or ``missing``: why it cannot be loaded."""
    try:
        return dict(size(load()))
    except FsbenchError as error:
        return {"missing": str(error)}
