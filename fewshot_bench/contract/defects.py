"""Defects of a loaded plugin: a class may lack what every list and every record needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

from fewshot_bench.contract.config import describe
from fewshot_bench.contract.method import Method
from fewshot_bench.contract.source import Card, DatasetSource
from fewshot_bench.episodes.own import Sampler
from fewshot_bench.metrics.metric import Metric
from fewshot_bench.protocols import PROTOCOLS, Protocol

API_VERSIONS = (1,)
"""Versions of the plugin API that this release runs."""

SHOWN = {
    "name": str,
    "summary": str,
    "reference": str,
    "transductive": bool,
    "calibrated": bool,
    "reads_names": bool,
}
"""The attributes of a method that lists and records show, with their types."""


def method_defect(loaded: Any) -> str:
    """Returns what a method lacks, as the rest of a sentence that begins with its name; "" where it lacks nothing."""
    return (
        class_defect(loaded, Method, "EmbeddingMethod or EpisodicMethod")
        or attribute_defect(loaded, SHOWN)
        or line_defect(loaded.summary)
        or config_defect(loaded.Config)
    )


def dataset_defect(loaded: Any) -> str:
    """Returns what an adapter of a data set lacks, as ``method_defect`` does."""
    return (
        class_defect(loaded, DatasetSource, "DatasetSource")
        or attribute_defect(loaded, {"name": str, "card": Card, "variants": dict, "folders": tuple})
        or line_defect(loaded.card.summary)
        or ("" if loaded.variants else "has no variant; name one in variants")
    )


def metric_defect(loaded: Any) -> str:
    """Returns what a metric lacks, as ``method_defect`` does."""
    return (
        class_defect(loaded, Metric, "Metric")
        or attribute_defect(loaded, {"name": str, "summary": str, "reference": str, "calibrated": bool})
        or line_defect(loaded.summary)
        or name_defect(loaded.name)
    )


def sampler_defect(loaded: Any) -> str:
    """Returns what a sampler lacks, as ``method_defect`` does."""
    return (
        class_defect(loaded, Sampler, "Sampler")
        or attribute_defect(loaded, {"name": str, "summary": str, "reference": str})
        or line_defect(loaded.summary)
        or name_defect(loaded.name)
    )


def protocol_defect(loaded: Any) -> str:
    """Returns what a protocol lacks, as ``method_defect`` does."""
    if not isinstance(loaded, Protocol):
        return f"is a {type(loaded).__name__}; name an instance of Protocol in the entry point"
    if loaded.name in PROTOCOLS:
        return f"has the name {loaded.name!r}, which is one of the package's own; give it another"
    if not isinstance(loaded.metrics, tuple) or not all(isinstance(name, str) for name in loaded.metrics):
        return f"has the metrics {loaded.metrics!r}; write a tuple of names"
    return line_defect(loaded.summary) or name_defect(loaded.name)


def name_defect(name: str) -> str:
    """Returns what is wrong with the name of a metric, sampler or protocol, which stands in records."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        return f"has the name {name!r}; write letters, digits, dots, hyphens and underscores, such as top5"
    return ""


def class_defect(loaded: Any, base: type, bases: str) -> str:
    """Returns what is wrong with the kind of thing, its API version and its abstract methods."""
    if not isinstance(loaded, type):
        return f"is a {type(loaded).__name__} and not a class; name a subclass of {bases} in the entry point"
    version = getattr(loaded, "api_version", None)
    if version not in API_VERSIONS:
        stated = "states no api_version" if version is None else f"was written for API version {version!r}"
        runs = f"this release runs version {API_VERSIONS[-1]}"
        return f"{stated}, and {runs}; update the plugin or fewshot-bench"
    if not issubclass(loaded, base):
        return f"is no subclass of {bases}; {loaded.__name__} must be one"
    missing: frozenset[str] = getattr(loaded, "__abstractmethods__", frozenset())
    if missing:
        return f"does not define {', '.join(sorted(missing))}; {loaded.__name__} must"
    return ""


def attribute_defect(loaded: type, kinds: Mapping[str, type]) -> str:
    """Returns what is wrong with the attributes that a list of plugins shows; ``kinds`` are their types by name."""
    for name, kind in kinds.items():
        missing = object()
        value = getattr(loaded, name, missing)
        if value is missing:
            return f"has no {name}; {loaded.__name__} needs the attribute {name}, of type {kind.__name__}"
        if not isinstance(value, kind):
            return (
                f"has a {name} of type {type(value).__name__}; {loaded.__name__}.{name} must be a {kind.__name__}, "
                "known without an instance"
            )
    return ""


def line_defect(summary: str) -> str:
    """Returns what is wrong with a summary."""
    if not summary.strip() or len(summary.splitlines()) != 1:
        return "has a summary that is not one line of text; write one"
    return ""


def config_defect(config: Any) -> str:
    """Returns what is wrong with a method's ``Config``."""
    if not isinstance(config, type) or not is_dataclass(config):
        return "has a Config that is no dataclass; write @dataclass(frozen=True) above it"
    describe(config)
    return ""
