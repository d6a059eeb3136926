"""The arrays of a record: what they are, how they fit together, and the one order that stands for all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import FsbenchError

Arrays = dict[str, NDArray[Any]]
Ints = NDArray[np.integer[Any]]

QUERY_ARRAYS = {
    "query_label": -1,
    "query_prediction": -1,
    "query_rank": -1,
    "query_picture": -1,
    "query_ap": np.nan,
}
"""Arrays [E, Q] and what stands for padding in them."""

OTHERS = ("classes", "class_names", "class_families", "pictures", "precision")


class Canonical(Arrays):
    """Arrays that ``canonical`` made, so that they are not sorted twice."""


def canonical(arrays: Arrays) -> Arrays:
    """Returns ``arrays`` in the one order that stands for all orders of queries and of pictures.

    The order of an episode's queries within a class carries no meaning, and no statistic of a record depends on
    it. Canonical order is by label, then by picture; where pictures are not known, queries of a class stay as they
    were. Padding comes last, and columns of nothing but padding are left out. Pictures are sorted by class and
    digest; ``query_picture`` follows them.
    """
    if isinstance(arrays, Canonical):
        return arrays
    label = np.asarray(arrays["query_label"])
    made = Canonical(arrays)
    if "query_picture" in arrays:
        made["pictures"], made["query_picture"] = _sorted_pictures(arrays)
    last = np.where(label < 0, np.asarray(arrays["classes"]).shape[1], label.astype(np.int64))
    if "query_picture" in made:  # one key for both: by label, then by picture
        last = last * (len(made["pictures"]) + 1) + made["query_picture"]
    most = int((label >= 0).sum(axis=1).max(initial=0))
    sorted_already = bool((last[:, 1:] >= last[:, :-1]).all())
    order = None if sorted_already else np.argsort(last, axis=1, kind="stable")[:, :most]
    there = _in_order(label, order, most) >= 0
    for name, padding in QUERY_ARRAYS.items():
        if name in made:
            values = _in_order(np.asarray(made[name]), order, most)
            kind = np.float32 if name == "query_ap" else np.int32
            made[name] = np.where(there, values, padding).astype(kind)
    made["classes"] = np.asarray(arrays["classes"], dtype=np.int32)
    return made


def _in_order(values: NDArray[Any], order: Ints | None, most: int) -> NDArray[Any]:
    """Returns the first ``most`` columns in an order of each row; None is the order that they have."""
    return values[:, :most] if order is None else np.take_along_axis(values, order, axis=1)


def check(arrays: Arrays) -> None:
    """Raises FsbenchError, naming the array, where an array is missing, misshapen or contradicts another."""

    def require(holds: bool, what: str) -> None:
        if not holds:
            raise FsbenchError(
                f"The arrays of the record do not fit together: {what}; this is a bug of its maker."
            )

    for name in ("classes", "query_label", "query_prediction"):
        require(name in arrays, f"{name} is missing")
    require(not (unknown := arrays.keys() - QUERY_ARRAYS.keys() - set(OTHERS)), f"unknown {sorted(unknown)}")
    classes, label = np.asarray(arrays["classes"]), np.asarray(arrays["query_label"])
    require(classes.ndim == 2 and label.ndim == 2, "classes and query_label have two axes")
    require(len(classes) == len(label) > 0, f"{len(classes)} and {len(label)} episodes")
    there = label >= 0
    require(int(label.max(initial=-1)) < classes.shape[1], "a label is beyond the classes of its episode")
    for name in QUERY_ARRAYS:
        require(
            name not in arrays or arrays[name].shape == label.shape, f"{name} has the shape of query_label"
        )
    right = np.asarray(arrays["query_prediction"]) == label
    require(bool((arrays["query_prediction"][there] >= 0).all()), "a query has no prediction")
    if "query_rank" in arrays:
        same = ((np.asarray(arrays["query_rank"]) == 0) == right)[there]
        require(bool(same.all()), "query_rank is 0 where the prediction is right and there alone")
    require(("query_picture" in arrays) == ("pictures" in arrays), "query_picture and pictures go together")
    if "pictures" in arrays:
        picture = np.asarray(arrays["query_picture"])[there]
        inside = bool(((picture >= 0) & (picture < len(arrays["pictures"]))).all())
        require(inside, "a query_picture is beyond the rows of pictures")
        require(arrays["pictures"].shape[1:] == (8,), "pictures has 8 bytes a row")
    if "class_families" in arrays:
        few = int(classes.max(initial=-1)) < len(arrays["class_families"])
        require(few, "a class has no family")
    if "class_names" in arrays:
        require(int(classes.max(initial=-1)) < len(arrays["class_names"]), "a class has no name")


def owners(arrays: Arrays) -> Ints:
    """Returns the class number of each query [E, Q], −1 for padding."""
    label, classes = np.asarray(arrays["query_label"]), np.asarray(arrays["classes"])
    return np.where(label >= 0, np.take_along_axis(classes, label.clip(min=0), axis=1), -1)


def _sorted_pictures(arrays: Arrays) -> tuple[NDArray[np.uint8], Ints]:
    """Returns ``pictures`` sorted by class and digest (those of no query last), and ``query_picture`` after them."""
    pictures = np.ascontiguousarray(arrays["pictures"], dtype=np.uint8)
    picture, owner = np.asarray(arrays["query_picture"], dtype=np.int64), owners(arrays)
    classes = np.full(len(pictures), np.iinfo(np.int64).max)
    there = owner >= 0
    shown, of = picture[there], owner[there]
    classes[shown] = of
    if (classes[shown] != of).any():  # a picture of several classes: the smallest, by a slower way
        classes[shown] = np.iinfo(np.int64).max
        np.minimum.at(classes, shown, of)
    digest = pictures.view(">u8")[:, 0] if len(pictures) else np.zeros(0, dtype=np.uint64)
    order = np.lexsort((digest, classes))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return pictures[order], np.where(there, place[picture.clip(min=0)] if len(place) else -1, -1)
