"""Details of a record, which the page shows when its row is unfolded: plain values, small enough to be inlined."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.records import Record, Score, printable
from fewshot_bench.records.classes import numbers, picture_shares
from fewshot_bench.report.leaderboard import Standing, each_training
from fewshot_bench.report.measure import ends, over_families
from fewshot_bench.report.scores import low_to_high

CONFUSED, HARDEST = 8, 8
"""How many pairs of classes and how many pictures are named."""


def details(standing: Standing, *, classes: bool) -> dict[str, Any]:
    """Returns what unfolds below a row; with ``classes`` the accuracy of each class and what was hard."""
    record = standing.record
    environment = record.data.get("environment") or {}
    found: dict[str, Any] = {
        "summary": record.data.get("summary", ""),
        "reference": record.data.get("reference", ""),
        "parameters": {name: str(value) for name, value in record.parameters.items()},
        "set": sorted(record.parameters_set),
        "made": made(record),
        "versions": {k: str(v) for k, v in (environment.get("packages") or {}).items()},
        "commands": [r.command for r in standing.trainings],
        "training": logs(record),
        "trainings": each_training(standing),
        "metrics": {name: metric_text(found) for name, found in record.metrics.items()},
    }
    if "precision" in record.arrays:
        found["precision"] = [round(float(v), 4) for v in record.arrays["precision"]]
    if classes:
        found |= by_class(record)
    shown: dict[str, Any] = clean(found)
    return shown


def made(record: Record) -> dict[str, str]:
    """Returns where, when and from what a record was made."""
    data, environment = record.data, record.data.get("environment") or {}
    training = data.get("training") or {}
    rows = {
        "plugin": data.get("method_distribution"),
        "device": environment.get("device") or data.get("device"),
        "processor": environment.get("processor"),
        "precision": data.get("precision"),
        "created": data.get("created"),
        "trained on": training.get("dataset"),
        "selected on": selected(training),
        "searched": searched(data.get("sweep") or {}),
        "pretraining": record.pretraining_marked,
        **families(record),
        "identity": str(data.get("identity", ""))[:16],
        "scores": str(data.get("scores_sha256", ""))[:16],
    }  # fmt: skip
    return {name: str(value) for name, value in rows.items() if value}


def families(record: Record) -> dict[str, str]:
    """Returns the intervals over families by their row's title, each as text or as the reason why there is none."""
    found = {}
    for name, title in (("accuracy", "accuracy, over families"), ("map", "mAP, over families")):
        over = over_families([record], name)
        if over is not None:
            both = ends(over)
            found[title] = f"{low_to_high(both)} %" if both else str(over.reason)
    return found


def metric_text(score: Score) -> str:
    """Returns the mean of a metric with both ends of its interval."""
    ends = f", {score.interval[0]:.4f} to {score.interval[1]:.4f}" if score.interval else ""
    return f"{score.mean:.4f}{ends}"


def selected(training: dict[str, Any]) -> str:
    """Returns what the best epoch was selected on; "" where nothing was selected."""
    count = training.get("validation_classes")
    return f"{count} validation classes" if count else ""


def searched(sweep: dict[str, Any]) -> str:
    """Returns how many trials the parameters were searched with, and on what; "" where nothing was searched."""
    return f"{sweep.get('trials')} trials on {sweep.get('on')}" if sweep else ""


def logs(record: Record) -> dict[str, dict[str, list[float | None]]]:
    """Returns the numbers of each training by epoch; empty where the record has none."""
    log = (record.data.get("training") or {}).get("log")
    found: dict[str, dict[str, list[float | None]]] = {}
    for name, kept_log in (log if isinstance(log, dict) else {}).items():
        series = kept_log if isinstance(kept_log, dict) else {}
        kept = {key: values for key, values in series.items() if isinstance(values, list) and key != "epoch"}
        found[str(name)] = {
            key: [round(float(v), 5) if isinstance(v, int | float) else None for v in values[:500]]
            for key, values in kept.items()
        }
    return {name: series for name, series in found.items() if series}


def by_class(record: Record) -> dict[str, Any]:
    """Returns accuracy and number of queries of each class, the pairs confused most often, and the hardest pictures.

    Classes are numbers of the data set; their names stand beside them where the record knows them.
    """
    there = record.per_query["label"] >= 0
    true, said = numbers(record)
    right = true == said
    width = int(record.arrays["classes"].max(initial=0)) + 1
    count = np.bincount(true, minlength=width)
    hits = np.bincount(true[right], minlength=width)
    used = np.flatnonzero(count)
    pairs, times = np.unique(true[~right] * width + said[~right], return_counts=True)
    worst = np.argsort(-times, kind="stable")[:CONFUSED]
    names = record.arrays.get("class_names")
    wanted = {*used.tolist(), *(pairs[worst] // width).tolist(), *(pairs[worst] % width).tolist()}
    found: dict[str, Any] = {
        "classes": [[int(c), round(float(hits[c] / count[c]), 4), int(count[c])] for c in used],
        "confused": [[int(pairs[i] // width), int(pairs[i] % width), int(times[i])] for i in worst],
        "hardest": hardest(record, there, true),
    }
    if names is not None:
        found["names"] = {str(c): str(names[c])[:60] for c in sorted(wanted) if c < len(names)}
    return found


def hardest(record: Record, there: NDArray[np.bool_], true: NDArray[np.int64]) -> list[list[Any]]:
    """Returns the pictures with the lowest share of right answers of those asked at least twice.

    Each is the beginning of its digest, its class, its share, and how often it was asked.
    """
    query = record.per_query
    digests = record.picture_digests
    if "picture" not in query or digests is None:
        return []
    pictures = query["picture"][there].astype(np.int64)
    share, asked = picture_shares(record)
    candidates = np.flatnonzero(asked >= 2)
    order = candidates[np.lexsort((-asked[candidates], share[candidates]))][:HARDEST]
    owner = np.zeros(len(asked), dtype=np.int64)
    owner[pictures] = true
    return [
        [bytes(digests[p].astype(np.uint8)).hex(), int(owner[p]), round(float(share[p]), 3), int(asked[p])]
        for p in order
    ]


def clean(value: Any) -> Any:
    """Returns plain values with every text printable and no longer than 2,000 characters."""
    if isinstance(value, str):
        return printable(value[:2000])
    if isinstance(value, dict):
        return {printable(str(key))[:200]: clean(inner) for key, inner in value.items()}
    return [clean(inner) for inner in value] if isinstance(value, list) else value
