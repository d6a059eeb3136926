"""Whether the parts of an ImageIndex fit each other: each fault is a sentence that names the first offender."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.split_names import class_split
from fewshot_bench.errors import FsbenchError, printable

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
"""Characters that move a terminal's cursor, break a line or end a text; no name may hold one."""


def names(values: Iterable[Any], what: str, where: str) -> tuple[str, ...]:
    """Returns names as a tuple; FsbenchError for one that is no text, empty, not unique or not printable."""
    if isinstance(values, str):
        raise FsbenchError(f"{where} has {what} {values!r}, a text: give a sequence of them.")
    found = tuple(values)
    for number, name in enumerate(found):
        if not isinstance(name, str) or not name:
            raise FsbenchError(f"{where} has {what}[{number}] = {name!r}: give a text that is not empty.")
    if CONTROL.search("".join(found)):
        number = next(i for i, name in enumerate(found) if CONTROL.search(name))
        raise FsbenchError(
            f"{where} has {what}[{number}] = '{printable(found[number])}', with a control character: rename it."
        )
    if len(set(found)) != len(found):
        seen: dict[str, int] = {}
        number, first = next((i, at) for i, name in enumerate(found) if (at := seen.setdefault(name, i)) != i)
        raise FsbenchError(
            f"{where} has {what}[{number}] = {found[number]!r}, which is {what}[{first}] as well: name each once."
        )
    return found


def families(values: Iterable[Any], classes: Sequence[str], where: str) -> tuple[str, ...]:
    """Returns the family of each class as a tuple; FsbenchError for another count, or for one that is no text."""
    found = tuple(values)
    if len(found) != len(classes):
        raise FsbenchError(f"{where} has {len(found)} families for {len(classes)} classes: give one a class.")
    names(dict.fromkeys(found), "families", where)
    return found


def whole_numbers(
    values: Any, what: str, where: str, *, count: int, of: str, dtype: str, low: int, high: int
) -> NDArray[Any]:
    """Returns an array of ``count`` integers from ``low`` to ``high`` as ``dtype``; FsbenchError for anything else."""
    array = np.asarray(values)
    if array.dtype.kind not in "iu" and array.size:
        raise FsbenchError(f"{where} has {what} of type {array.dtype}: give whole numbers ({dtype}).")
    if array.shape != (count,):
        raise FsbenchError(
            f"{where} has {what} of shape {array.shape} for {count} {of}: give one a {of[:-1]}."
        )
    wrong = (array < low) | (array > high)
    if wrong.any():
        number = int(wrong.argmax())
        raise FsbenchError(
            f"{where} has {what}[{number}] = {int(array[number])}: give whole numbers from {low} to {high}."
        )
    return array.astype(dtype, copy=False)


def digest_table(values: Any, paths: Sequence[str], where: str) -> NDArray[np.uint8]:
    """Returns uint8 ``[M, 32]``; FsbenchError for another type or shape, and for a digest that is all zeros."""
    array = np.asarray(values)
    if array.dtype != np.uint8 or array.shape != (len(paths), 32):
        raise FsbenchError(
            f"{where} has digests of type {array.dtype} and shape {array.shape} for {len(paths)} pictures: give uint8 "
            f"[{len(paths)}, 32], the sha256 of each picture's content."
        )
    empty = ~array.any(axis=1)
    if empty.any():
        number = int(empty.argmax())
        raise FsbenchError(
            f"{where} has a digest of zeros for {paths[number]!r}: give the sha256 of its content, under which its "
            "embedding is kept."
        )
    return array


def splits(values: Iterable[str], class_names: Sequence[str], where: str) -> tuple[str, ...]:
    """Returns the splits, ``novel`` for ``test`` and so on; FsbenchError for too few and for unknown ones."""
    given = tuple(values) if not isinstance(values, str) else (values,)
    if len(given) != len(class_names):
        raise FsbenchError(
            f"{where} has {len(given)} class_splits for {len(class_names)} classes: give one a class."
        )
    known = {split: class_split(split, f"{where}: a split in class_splits") for split in set(given)}
    return tuple(known[split] for split in given)


def flags(values: Any, count: int, where: str) -> NDArray[np.bool_]:
    """Returns bool ``[M]``; FsbenchError for another type or shape."""
    array = np.asarray(values)
    if array.dtype != np.bool_ or array.shape != (count,):
        raise FsbenchError(
            f"{where} has test of type {array.dtype} and shape {array.shape}: give bool [{count}], or None."
        )
    return array


def no_class_empty(labels: NDArray[np.int32], class_names: Sequence[str], where: str) -> None:
    """Raises FsbenchError for a class without a picture."""
    sizes = np.bincount(labels, minlength=len(class_names))
    if (sizes == 0).any():
        number = int((sizes == 0).argmax())
        raise FsbenchError(f"{where} has no picture of the class {class_names[number]!r}: leave it out.")
