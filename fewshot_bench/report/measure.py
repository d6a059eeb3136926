"""Measures of a record, worked out from its arrays: the score of one, and what pairs of several need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.metrics import (
    Deletion,
    Interval,
    accuracy_deletion,
    accuracy_interval,
    ap_deletion,
    ap_interval,
    average,
    deletion_interval,
    episode_means,
    family_interval,
)
from fewshot_bench.records import Record, Score

Arrays = Mapping[str, NDArray[Any]]
"""``label``, ``prediction`` and, where known, ``rank`` and ``ap``, each [E, Q], as ``Record.per_query`` has them."""


def hits(query: Arrays) -> NDArray[np.float64]:
    """Returns 1 where a query was predicted right and 0 where wrong or padding, [E, Q]."""
    return np.asarray((query["prediction"] == query["label"]) & (query["label"] >= 0), dtype=np.float64)


def values(query: Arrays, measure: str) -> NDArray[np.float64] | None:
    """Returns one value a query, [E, Q]: hits (``accuracy``) or APs (``map``); None where nothing was ranked."""
    if measure == "accuracy":
        return hits(query)
    return np.asarray(query["ap"], dtype=np.float64) if "ap" in query else None


def deletion(query: Arrays, classes: NDArray[Any], measure: str) -> Deletion:
    """Returns the means without each class; ``classes`` [E, N]."""
    if measure == "accuracy":
        return accuracy_deletion(query["label"], query["prediction"], query.get("rank"), classes)
    return ap_deletion(np.asarray(query["ap"], dtype=np.float64), query["label"], classes)


def score(query: Arrays, classes: NDArray[Any], measure: str, *, over_pictures: bool) -> Score | None:
    """Returns the mean with its two intervals; None where the support was not ranked.

    ``over_pictures``: the protocol evaluates a split of pictures.
    """
    found = values(query, measure)
    if found is None:
        return None
    over = (
        accuracy_interval(found, query["label"], over_pictures=over_pictures)
        if measure == "accuracy"
        else ap_interval(found, query["label"])
    )
    over_classes = deletion_interval(deletion(query, classes, measure))
    return Score(
        mean=over.mean,
        interval=ends(over),
        kind=over.reason or over.kind,
        class_interval=ends(over_classes),
        class_kind=over_classes.reason or over_classes.kind,
    )


def recorded(record: Record, measure: str) -> Score | None:
    """Returns the score that a record holds, its interval over classes worked out anew from the arrays.

    Older records hold a bootstrap there, which covers 82 to 89 % where it promises 95.
    """
    found = record.accuracy if measure == "accuracy" else record.map
    if found is None:
        return None
    over = deletion_interval(deletion(record.per_query, record.arrays["classes"], measure))
    return replace(found, class_interval=ends(over), class_kind=over.reason or over.kind)


def over_families(trainings: Sequence[Record], measure: str) -> Interval | None:
    """Returns the interval over families of the mean over trainings of one configuration.

    It is None where the data set names no families, or where a training ranked nothing.
    """
    first = trainings[0]
    if "class_families" not in first.arrays or any(values(r.per_query, measure) is None for r in trainings):
        return None
    classes = first.arrays["classes"]
    names = first.arrays["class_families"][np.unique(classes[classes >= 0])]
    return family_interval(mean_deletion(trainings, measure), np.unique(names, return_inverse=True)[1])


def ends(interval: Interval) -> tuple[float, float] | None:
    """Returns both ends, None where there is no interval."""
    return None if interval.low is None or interval.high is None else (interval.low, interval.high)


def mean_deletion(trainings: Sequence[Record], measure: str) -> Deletion:
    """Returns the deletion of the mean over trainings of one configuration."""
    return average([deletion(r.per_query, r.arrays["classes"], measure) for r in trainings])


def mean_episodes(trainings: Sequence[Record], measure: str) -> NDArray[np.float64] | None:
    """Returns the mean over trainings of one value an episode, [E]; None where one of them ranked nothing."""
    each = [values(r.per_query, measure) for r in trainings]
    if any(one is None for one in each):
        return None
    label = trainings[0].per_query["label"]
    return np.asarray(np.mean([episode_means(one, label) for one in each if one is not None], axis=0))
