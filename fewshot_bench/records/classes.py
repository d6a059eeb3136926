"""The outcome of a record by class and by query: counts, frames and a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from fewshot_bench.records.record import Record


def class_counts(record: Record) -> dict[str, tuple[int, int]]:
    """Returns right answers and queries of each class that was asked for, by the class's name or number."""
    true, said = numbers(record)
    names = record.arrays.get("class_names")
    count, hits = np.bincount(true), np.bincount(true[true == said], minlength=int(true.max(initial=0)) + 1)
    known = names if names is not None else np.arange(len(count))
    return {
        str(known[c]) if c < len(known) else str(c): (int(hits[c]), int(count[c]))
        for c in np.flatnonzero(count)
    }


def class_accuracy(record: Record) -> dict[str, float]:
    """Returns the share of right answers to the queries of each class, 0…1, by the class's name or number."""
    return {name: hits / count for name, (hits, count) in class_counts(record).items()}


def numbers(record: Record) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the class of each query and the class that was answered, as numbers of the data set; padding left out."""
    query, classes = record.per_query, record.arrays["classes"].astype(np.int64)
    there = query["label"] >= 0
    both = [query[name].astype(np.int64).clip(min=0) for name in ("label", "prediction")]
    true, said = (np.take_along_axis(classes, places, axis=1)[there] for places in both)
    return true, said


def picture_shares(record: Record) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Returns the share of right answers to each query picture, and how often it was asked, each [P].

    The record has to know the pictures of its queries (``query_picture``).
    """
    query = record.per_query
    there = query["label"] >= 0
    pictures = query["picture"][there].astype(np.int64)
    right = (query["label"] == query["prediction"])[there]
    asked = np.bincount(pictures)
    return np.bincount(pictures, weights=right) / np.maximum(asked, 1), asked


def class_frame(record: Record) -> pd.DataFrame:
    """Returns one row a class, the lowest accuracy first: ``accuracy`` 0…1, ``right`` answers and ``queries``."""
    import pandas as pd

    rows = [
        {"class": name, "accuracy": hits / count, "right": hits, "queries": count}
        for name, (hits, count) in class_counts(record).items()
    ]
    return pd.DataFrame(rows).sort_values(["accuracy", "class"], ignore_index=True)


def query_frame(record: Record) -> pd.DataFrame:
    """Returns one row a query: ``episode``, ``class`` and ``answer`` by name or number, ``right``, ``rank``, ``ap``."""
    import pandas as pd

    query = record.per_query
    there = query["label"] >= 0
    names = record.arrays.get("class_names")
    true, said = numbers(record)
    columns: dict[str, Any] = {
        "episode": np.nonzero(there)[0],
        "class": true if names is None else names[true],
        "answer": said if names is None else names[said],
        "right": true == said,
    }
    columns |= {name: query[name][there] for name in ("rank", "ap") if name in query}
    return pd.DataFrame(columns)


def class_plot(record: Record, axes: Axes | None = None, most: int = 40) -> Axes:
    """Draws the accuracy of each class as bars, lowest first, with a line at the mean; returns Matplotlib's axes.

    ``most`` is the number of classes that are drawn, the lowest ones.
    """
    from matplotlib.figure import Figure

    found = class_frame(record).head(most)
    target = axes or Figure(figsize=(6.4, 0.8 + 0.22 * len(found)), layout="tight").add_subplot()
    target.barh(found["class"].astype(str), 100 * found["accuracy"], color="#3273b8")
    target.axvline(100 * record.accuracy.mean, color="#888888", linewidth=1)
    target.invert_yaxis()
    target.set_xlim(0, 100)
    target.set_xlabel("accuracy %")
    return target
