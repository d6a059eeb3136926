"""Accuracy of each class of a record, pooled over all episodes."""

from __future__ import annotations

import numpy as np

from fewshot_bench.records import Record


def class_accuracy(record: Record) -> dict[str, float]:
    """Returns the share of right answers to the queries of each class, 0…1, by the class's name or number."""
    query, classes = record.per_query, record.arrays["classes"].astype(np.int64)
    label = query["label"].astype(np.int64)
    there = label >= 0
    true = np.take_along_axis(classes, label.clip(min=0), axis=1)[there]
    right = (query["prediction"] == query["label"])[there]
    count = np.bincount(true)
    hits = np.bincount(true, weights=right)
    names = record.arrays.get("class_names")
    known = names if names is not None else np.arange(len(count))
    return {
        str(known[c]) if c < len(known) else str(c): float(hits[c] / count[c]) for c in np.flatnonzero(count)
    }
