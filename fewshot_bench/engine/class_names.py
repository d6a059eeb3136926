"""Names of classes for the methods that declare that they read them, and for no other."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.contract.method import EmbeddingMethod, Method
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.errors import Advice, FsbenchError


def reads_names(method: Method) -> bool:
    """Returns whether a method declares that it reads names; FsbenchError where it is no ``EmbeddingMethod``."""
    if not getattr(method, "reads_names", False):
        return False
    if not isinstance(method, EmbeddingMethod):
        raise FsbenchError(
            f"The method {method.name} declares reads_names, which only an EmbeddingMethod may: its head is given "
            "the names of an episode's classes."
        )
    return True


def names_of_rows(method: Method, index: ImageIndex, rows: NDArray[np.int64]) -> NDArray[np.object_] | None:
    """Returns the name of each row's class, object ``[M]``; None for a method that reads no names.

    Warns where the names look like codes.
    """
    return named(method, index.class_names, index.labels[rows]) if reads_names(method) else None


def named(method: Method, names: Sequence[str], labels: NDArray[np.integer]) -> NDArray[np.object_] | None:
    """Returns the name of each label's class, object ``[M]``; None for a method that reads no names."""
    if not reads_names(method):
        return None
    if are_codes(names):
        warnings.warn(
            f"{method.name} reads the names of classes, and these look like codes ({', '.join(names[:3])}): a text "
            "encoder knows nothing of them; take a data set whose classes have words for names.",
            Advice,
            stacklevel=2,
        )
    found: NDArray[np.object_] = np.array([*names, ""], dtype=object)[labels]
    return found


def are_codes(names: Sequence[str]) -> bool:
    """Returns whether names tell nothing apart but by digits, so that no words name the classes.

    It holds where fewer than half of them have a text of three letters that no other of them has.
    """
    words = [" ".join(re.findall(r"[^\W\d_]{3,}", name)) for name in names]
    return 2 * len({word for word in words if word}) < len(names)


def with_names(tasks: Tasks, names: NDArray[np.object_] | None) -> Tasks:
    """Returns episodes with the names of their classes, read from support rows alone; ``names`` [M] are those of rows.

    Episodes that have names keep them. Labels of queries are not looked at.
    """
    if names is None or tasks.names is not None:
        return tasks
    rows = tasks.support.max(axis=2, initial=-1)
    return replace(tasks, names=np.where(rows >= 0, names[rows], ""))
