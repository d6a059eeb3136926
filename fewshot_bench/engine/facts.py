"""The identity of a run: everything that its numbers depend on, by content."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from fewshot_bench.contract.config import parameters_of
from fewshot_bench.contract.context import Context
from fewshot_bench.contract.method import EmbeddingMethod, Method
from fewshot_bench.contract.registry import Entry
from fewshot_bench.embed.weights import file_digest
from fewshot_bench.engine.measuring import Measure, metric_facts
from fewshot_bench.engine.request import Request
from fewshot_bench.identity import CORE, LIBRARIES, device_kind, embedding_key, source_digest, versions
from fewshot_bench.isolation.remote import Remote
from fewshot_bench.store.memo import Memo

IN_NO_KEY = {
    "dataset": "the digest of the episodes covers the data set's content",
    "ways": "the digest of the episodes covers it",
    "shots": "the digest of the episodes covers it",
    "queries": "the digest of the episodes covers it",
    "episodes": "the digest of the episodes covers it",
    "seed": "the digest of the episodes covers it",
    "split": "the digest of the episodes covers it",
    "drop_small": "the digest of the episodes covers it",
    "sampler": "the digest of the episodes covers its name and what it drew",
    "variable": "the digest of the episodes covers it",
    "episodes_from": "the digest of the episodes covers what the file holds",
    "given": "the digest of its source stands for a method; those of the episodes and of base data for data sets",
    "train_dataset": "the fingerprints of the base data stand for it, where the method trains",
    "unlabelled": "the fingerprints of the base data stand for it, where the method trains",
}
"""Fields of a request that are in no key by themselves, each with the reason."""

TRAINING = ("identity", "fingerprint", "weights")
"""Keys of a record's training that are part of the identity: its key, the base data, the trained file."""


def run_facts(
    request: Request,
    method: Method,
    entry: Entry,
    episodes_sha256: str,
    training: Mapping[str, Any],
    context: Context,
    measures: Sequence[Measure] = (),
) -> dict[str, Any]:
    """Returns the tree whose key is the identity of a run (``identity.py`` says what it holds).

    ``training`` is what the record will say of the training; ``method`` is ready. Where a training says no
    ``identity`` of its own, all that it says but its log and timings is part of the tree. Without ``measures`` the tree
    has no key for them.
    """
    trained = {k: v for k, v in training.items() if k in TRAINING}
    if training and "identity" not in training:
        trained = {k: v for k, v in training.items() if k not in ("log", "timings")}
    encoder = getattr(method, "encoder", None) if isinstance(method, EmbeddingMethod) else None
    needed = {name for measure in measures for name in outside(measure.entry.distribution)}
    measured = {"metrics": metric_facts(measures)} if measures else {}
    return {
        "protocol": request.protocol,
        "episodes": episodes_sha256,
        "method": request.method,
        "distribution": entry.distribution,
        "source": method.source if isinstance(method, Remote) else source_digest(type(method)),
        "parameters": by_content(parameters_of(method.config), context),
        "training": trained or None,
        "train_seed": request.train_seed,
        "encoder": None if encoder is None else embedding_key(encoder),
        "device": device_kind(context.device),
        "precision": precision_of(method),
        "versions": versions(
            {*LIBRARIES, CORE.replace("_", "-"), *requirements(entry.distribution), *needed}
        ),
        **measured,
    }


def by_content(parameters: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Returns the parameters with the digest of its content in place of each one that names a file."""
    memo = Memo(context.cache / "weights.json")

    def content(value: Any) -> Any:
        if isinstance(value, str) and value and len(value) < 4096 and Path(value).expanduser().is_file():
            return f"sha256:{file_digest(Path(value).expanduser(), memo)}"
        return value

    return {key: content(value) for key, value in parameters.items()}


def precision_of(method: Method) -> str:
    """Returns the number type of the arithmetic that scores come from.

    It is that of the encoder, or of the training on each episode (its parameter ``precision``); else ``float32``.
    """
    own = method.encoder if isinstance(method, EmbeddingMethod) else method.config
    return str(getattr(own, "precision", "float32"))


def outside(distribution: str) -> list[str]:
    """Returns the same as ``requirements`` of a distribution that is not the core's, whose own are in every key."""
    return [] if distribution == CORE.replace("_", "-") else requirements(distribution)


def requirements(distribution: str) -> list[str]:
    """Returns the names of what a distribution requires by itself, extras left aside."""
    try:
        required = metadata.requires(distribution) or []
    except metadata.PackageNotFoundError:
        return []
    names = [re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0] for text in required if "extra ==" not in text]
    return [name.lower().replace("_", "-") for name in names]
