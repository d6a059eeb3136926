"""From the predictions of a run to its record: means, named intervals, and everything needed to rerun it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.contract import registry
from fewshot_bench.contract.config import parameters_of
from fewshot_bench.contract.context import Context
from fewshot_bench.contract.method import Method
from fewshot_bench.contract.registry import Entry
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.engine.clock import Clock
from fewshot_bench.engine.contamination import contaminated
from fewshot_bench.engine.environment import environment
from fewshot_bench.engine.given import NOTE
from fewshot_bench.engine.measuring import metrics_json
from fewshot_bench.engine.request import Request
from fewshot_bench.engine.scoring import Outcome
from fewshot_bench.episodes import EpisodeSet
from fewshot_bench.identity import embedding_facts, key
from fewshot_bench.protocols import PROTOCOLS
from fewshot_bench.records import SCHEMA_VERSION, Arrays, Record
from fewshot_bench.records.arrays import canonical
from fewshot_bench.report.measure import score


def make_record(
    request: Request,
    method: Method,
    entry: Entry,
    index: ImageIndex,
    split: str,
    episodes: EpisodeSet,
    labels: NDArray[np.int64],
    queries: NDArray[np.int64],
    outcome: Outcome,
    clock: Clock,
    context: Context,
    training: Mapping[str, Any],
    facts: Mapping[str, Any],
) -> Record:
    """Returns the record of a run (see ``records``): scores with intervals, and everything needed to run it again."""
    query: Arrays = {"label": labels, "prediction": outcome.prediction, "rank": outcome.rank}
    query |= {} if outcome.ap is None else {"ap": outcome.ap}
    pictures, spec = request.rules.split == "pictures", episodes.spec
    measured = {m: score(query, episodes.classes, m, over_pictures=pictures) for m in ("accuracy", "map")}
    scores = {name: None if found is None else found.to_json() for name, found in measured.items()}
    parameters = parameters_of(method.config)
    data: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "identity": key("run", facts),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "method": request.method,
        "method_distribution": f"{entry.distribution} {entry.version}",
        "method_source": facts["source"],
        "summary": method.summary,
        "reference": method.reference,
        "parameters": parameters,
        "parameters_set": {name: parameters[name] for name in request.parameters},
        "dataset": index.name,
        "variant": index.variant,
        "dataset_fingerprint": index.fingerprint,
        "dataset_notes": [*index.notes, *([NOTE] if request.dataset in request.given.indexes else [])],
        "synthetic": index.synthetic,
        "images": len(index),
        "classes": len(index.class_names) - len(episodes.dropped),
        "unreadable": len(index.unreadable),
        "dropped": [list(d) for d in episodes.dropped],
        "protocol": request.protocol,
        **plugged(request),
        "split": split,
        "ways": spec.ways,
        "shots": spec.shots,
        "queries": spec.queries,
        "variable": spec.variable,
        **({"sampler": spec.sampler} if spec.sampler else {}),
        "episodes": len(episodes),
        "seed": spec.seed,
        "train_seed": request.train_seed,
        "device": facts["device"],
        "precision": facts["precision"],
        "episodes_sha256": episodes.sha256,
        "transductive": method.transductive,
        **({"reads_names": True} if method.reads_names else {}),
        "calibrated": method.calibrated,
        "draws_per_episode": draws(method),
        "ranked_by": ranked_by(method),
        "pretraining": method.pretraining,
        "contaminated": contaminated(method.pretraining, index.seen_by),
        "accuracy": scores["accuracy"],
        "map": scores["map"],
        **({"metrics": metrics_json(outcome.metrics)} if outcome.metrics else {}),
        "scores_sha256": outcome.scores_sha256,
        "diagnostics": outcome.diagnostics,
        "command": request.command(),
        "timings": clock.timings(),
        "environment": {**environment(context.device), **backend(method)},
        "training": dict(training),
        "identity_facts": dict(facts),
    }
    arrays: Arrays = {
        "classes": episodes.classes,
        "class_names": np.array(episodes.class_names),
        **({"class_families": np.array(index.families)} if index.families else {}),
        "query_label": labels,
        "query_prediction": outcome.prediction,
        "query_rank": outcome.rank,
        **query_pictures(index, queries),
    }
    if outcome.ap is not None:
        arrays["query_ap"] = outcome.ap.astype(np.float32)
    if outcome.curve is not None:
        arrays["precision"] = outcome.curve
    return Record(data, canonical(arrays))


def plugged(request: Request) -> dict[str, Any]:
    """Returns what a record keeps of a protocol and a sampler that are not the package's own."""
    found: dict[str, Any] = {}
    if request.protocol not in PROTOCOLS:
        owner = registry.entry(registry.PROTOCOLS, request.protocol)
        found["protocol_row"] = request.rules.to_json()
        found["protocol_distribution"] = f"{owner.distribution} {owner.version}"
    if request.sampler and request.episodes_from is None:
        owner = request.given.sampler_entry(request.sampler)
        found["sampler_distribution"] = f"{owner.distribution} {owner.version}"
    return found


def query_pictures(index: ImageIndex, queries: NDArray[np.int64]) -> Arrays:
    """Returns ``pictures`` [P, 8], the beginning of each query picture's digest, and ``query_picture`` [E, Q].

    ``queries`` [E, Q] are rows of the index, −1 for padding; ``query_picture`` are rows of ``pictures``.
    """
    there = np.zeros(len(index) + 1, dtype=bool)  # the last place is that of padding, −1
    there[queries] = True
    rows, place = np.flatnonzero(there[:-1]), np.full(len(index) + 1, -1)
    place[rows] = np.arange(len(rows))
    places = place[queries]
    return {"pictures": np.ascontiguousarray(index.digests[rows, :8]), "query_picture": places}


def backend(method: Method) -> dict[str, str]:
    """Returns what computed the vectors of a method with an encoder, where the encoder names it."""
    encoder = getattr(method, "encoder", None)
    found = "" if encoder is None else embedding_facts(encoder)["backend"]
    return {"backend": found} if found else {}


def draws(method: Method) -> bool:
    """Returns whether the scores of an episode depend on its number, since the method or its head draws by it."""
    head = getattr(method, "head", None)
    return bool(method.draws_per_episode or getattr(head, "draws_per_episode", False))


def ranked_by(method: Method) -> str:
    """Returns what the support is ranked by: scores of each ``picture``, or of its ``class`` (then tied in a class)."""
    return "picture" if hasattr(getattr(method, "head", None), "item_scores") else "class"
