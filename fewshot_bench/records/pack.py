"""Packing: the arrays of a record as the smaller ones that its file holds, and back, without losing a number.

Nothing is stored that another array gives. Queries stand in canonical order, so that the labels of an episode are
the number of queries of each class. A prediction is stored where it is wrong; elsewhere it is the label. A rank is
stored where the prediction is wrong; elsewhere it is 0. An AP that is 1 / (1 + rank) everywhere is not stored;
otherwise APs are numbers of a list of the distinct values. Queries that are right and those that are wrong are
kept apart, for their values differ. Every array has the smallest integer type that holds it.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.records.arrays import Arrays, Ints, canonical, check, owners
from fewshot_bench.records.text import encode

NAMES = ("class_names", "class_families")
"""Arrays of texts, one a class."""

DISTINCT = 2**16
"""The most distinct APs that are stored as numbers of a list."""


def pack(arrays: Arrays) -> Arrays:
    """Returns the arrays of a record's file; ``unpack`` gives ``canonical(arrays)`` back, bit by bit.

    Raises FsbenchError where the arrays contradict each other.
    """
    check(arrays)
    arrays = canonical(arrays)
    label, prediction = arrays["query_label"], arrays["query_prediction"]
    there = label >= 0
    right = (prediction == label)[there]
    ways = arrays["classes"].shape[1]
    packed: Arrays = {
        "classes": smallest(arrays["classes"]),
        "counts": smallest(np.stack([np.bincount(row[row >= 0], minlength=ways) for row in label])),
        "right": np.packbits(right),
        "wrong_prediction": smallest(prediction[there][~right]),
    }
    if "query_rank" in arrays:
        packed["wrong_rank"] = smallest(arrays["query_rank"][there][~right])
    if "query_ap" in arrays:
        ap = arrays["query_ap"][there]
        if "query_rank" in arrays and _same_bits(ap, _ap_of(arrays["query_rank"][there])):
            packed["ap_is_of_rank"] = np.ones(0, dtype=np.uint8)
        else:
            packed |= _listed("right_ap", ap[right]) | _listed("wrong_ap", ap[~right])
    if "query_picture" in arrays:
        packed |= _pack_pictures(arrays, there)
    for name in NAMES:
        if name in arrays:
            packed[name] = np.frombuffer(encode(arrays[name].tolist()), dtype=np.uint8)
    if "precision" in arrays:
        packed["precision"] = np.asarray(arrays["precision"], dtype=np.float64)
    return packed


def unpack(packed: Arrays) -> Arrays:
    """Returns the arrays of a record from those of its file. Raises KeyError or ValueError where one is damaged."""
    counts = packed["counts"].astype(np.int64)
    total = counts.sum(axis=1)
    there = np.arange(int(total.max(initial=0)))[None, :] < total[:, None]
    flat = np.repeat(np.tile(np.arange(counts.shape[1]), len(counts)), counts.reshape(-1))
    right = np.unpackbits(packed["right"], count=len(flat)).astype(bool)

    def spread(values: NDArray[Any], padding: Any) -> NDArray[Any]:
        made: NDArray[Any] = np.full(there.shape, padding, dtype=values.dtype)
        made[there] = values
        return made

    def merged(of_right: NDArray[Any] | int, of_wrong: NDArray[Any], kind: type) -> NDArray[Any]:
        made: NDArray[Any] = np.empty(len(flat), dtype=kind)
        made[right], made[~right] = of_right, of_wrong
        return made

    arrays: Arrays = {
        "classes": packed["classes"].astype(np.int32),
        "query_label": spread(flat.astype(np.int32), -1),
        "query_prediction": spread(merged(flat[right], packed["wrong_prediction"], np.int32), -1),
    }
    if "wrong_rank" in packed:
        rank = merged(0, packed["wrong_rank"], np.int32)
        arrays["query_rank"] = spread(rank, -1)
        if "ap_is_of_rank" in packed:
            arrays["query_ap"] = spread(_ap_of(rank), np.nan)
    if "right_ap" in packed:
        ap = merged(_unlisted("right_ap", packed), _unlisted("wrong_ap", packed), np.float32)
        arrays["query_ap"] = spread(ap, np.nan)
    if "pictures" in packed:
        arrays["pictures"] = packed["pictures"]
        arrays["query_picture"] = spread(_unpack_pictures(packed, arrays, there), -1)
    for name in NAMES:
        if name in packed:
            arrays[name] = np.array(json.loads(packed[name].tobytes()), dtype=np.str_)
    if "precision" in packed:
        arrays["precision"] = packed["precision"]
    return arrays


def smallest(values: Ints) -> Ints:
    """Returns integers in the smallest type that holds them all."""
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    for kind in (np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32):
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return values.astype(kind)
    return values.astype(np.int64)


def _ap_of(rank: Ints) -> NDArray[np.float32]:
    """Returns 1 / (1 + rank): the AP where the class has one support picture and no score is tied."""
    return (1.0 / (1.0 + rank)).astype(np.float32)


def _same_bits(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    return np.array_equal(one.view(np.uint32), other.view(np.uint32))


def _listed(name: str, values: NDArray[np.float32]) -> Arrays:
    """Returns ``values`` as numbers of the list of distinct ones, or as they are where the list were too long."""
    bits, number = np.unique(np.ascontiguousarray(values).view(np.uint32), return_inverse=True)
    if len(bits) > DISTINCT or 4 * len(bits) > 2 * len(values):
        return {name: values}
    return {name: smallest(number.reshape(-1)), f"{name}_values": bits.view(np.float32)}


def _unlisted(name: str, packed: Arrays) -> NDArray[np.float32]:
    return packed[f"{name}_values"][packed[name]] if f"{name}_values" in packed else packed[name]


def _starts(there: NDArray[np.bool_], label: Ints) -> NDArray[np.bool_]:
    """Returns for each query (padding left out) whether it is the first of its class in its episode."""
    first = np.ones(label.shape, dtype=bool)
    first[:, 1:] = label[:, 1:] != label[:, :-1]
    return np.asarray(first[there])


def _pack_pictures(arrays: Arrays, there: NDArray[np.bool_]) -> Arrays:
    """Returns picture rows as steps from the query before, or, of a class's first query, from its first picture."""
    row, owner = arrays["query_picture"][there].astype(np.int64), owners(arrays)[there]
    base = np.full(int(owner.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(base, owner, row)
    base[base == np.iinfo(np.int64).max] = 0
    step = np.diff(row, prepend=0) - 1
    first = _starts(there, arrays["query_label"])
    step[first] = (row - base[owner])[first]
    return {
        "pictures": np.asarray(arrays["pictures"], dtype=np.uint8),
        "picture_base": smallest(base),
        "picture_step": smallest(step),
    }


def _unpack_pictures(packed: Arrays, arrays: Arrays, there: NDArray[np.bool_]) -> Ints:
    owner, first = owners(arrays)[there], _starts(there, arrays["query_label"])
    step = packed["picture_step"].astype(np.int64) + 1
    step[first] += packed["picture_base"].astype(np.int64)[owner[first]] - 1
    total = np.cumsum(step)
    before = np.where(first, total - step, 0)
    started = (
        np.maximum.accumulate(np.where(first, np.arange(len(step)), 0))
        if len(step)
        else first.astype(np.int64)
    )
    return np.asarray((total - before[started]).astype(np.int32))
