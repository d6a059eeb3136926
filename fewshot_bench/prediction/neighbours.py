"""The nearest references of each picture, and that of its runner-up: what a prediction is explained by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.prediction.nearest import nearest_of_class

NEIGHBOURS = 3
"""Nearest references that are told of a picture."""


class NearReferences(NamedTuple):
    """The nearest references of Q pictures.

    ``rows`` [Q, K] and their ``cosines`` [Q, K], the nearest first, are −1 and −inf where there are fewer;
    ``runner_up`` [Q] and ``runner_up_cosines`` [Q] are of the second class alone, −1 and −inf where there is none.
    """

    rows: NDArray[np.int64]
    cosines: NDArray[np.float64]
    runner_up: NDArray[np.int64]
    runner_up_cosines: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest references of P pictures.

    Parameters
    ----------
    near : of P pictures, as rows of the references.
    paths : [M], the names of the references.
    labels : int32 [M], their classes, indices into ``class_names``.
    """

    near: NearReferences
    paths: Sequence[str]
    labels: NDArray[np.int32]
    class_names: tuple[str, ...]

    @classmethod
    def none_yet(
        cls, many: int, paths: Sequence[str], labels: NDArray[np.int32], class_names: tuple[str, ...]
    ) -> Neighbours:
        """Returns the neighbours of P pictures of which nothing is known yet."""
        shape = (many, NEIGHBOURS)
        near = NearReferences(
            np.full(shape, -1), np.full(shape, -np.inf), np.full(many, -1), np.full(many, -np.inf)
        )
        return cls(near, paths, labels, class_names)

    def put(self, places: NDArray[np.int64], near: NearReferences) -> None:
        """Writes what was found of the pictures at ``places`` [Q]."""
        for kept, new in zip(self.near, near, strict=True):
            kept[places] = new

    def of(self, i: int) -> list[dict[str, Any]]:
        """Returns the nearest references of picture ``i``, the nearest first: path, class and cosine similarity."""
        rows, cosines = self.near.rows[i].tolist(), self.near.cosines[i].tolist()
        return [self._told(row, cosine) for row, cosine in zip(rows, cosines, strict=True) if row >= 0]

    def runner_up(self, i: int) -> dict[str, Any] | None:
        """Returns the nearest reference of the second class of picture ``i``, or None where there is none."""
        row = int(self.near.runner_up[i])
        return self._told(row, float(self.near.runner_up_cosines[i])) if row >= 0 else None

    def _told(self, row: int, cosine: float) -> dict[str, Any]:
        name = self.class_names[self.labels[row]]
        return {"reference": self.paths[row], "class": name, "similarity": cosine}


def with_runner_up(
    found: tuple[NDArray[np.int64], NDArray[np.float64]],
    take: Callable[[NDArray[np.int64]], NDArray[np.float32]],
    queries: NDArray[np.float32],
    contents: NDArray[np.int64],
    support: NDArray[np.int64],
    ranked: NDArray[np.integer],
) -> NearReferences:
    """Returns what ``nearest_several`` has found of ``queries`` [Q, D], and the nearest reference of the second class.

    ``take`` gives the ``unit`` vectors of rows [R]. ``contents`` [M] are equal for references with the same picture,
    ``support`` [N, K] has the rows of each class, padded with −1, and ``ranked`` [Q, T] the classes, the best first.
    """
    rows, cosines = found
    if ranked.shape[1] < 2:
        return NearReferences(rows, cosines, np.full(len(queries), -1), np.full(len(queries), -np.inf))
    other, value = nearest_of_class(take, queries, support, ranked[:, 1])
    # the same picture is the same row with the same cosine: products of other matrices round otherwise
    query, place = np.nonzero((rows >= 0) & (contents[rows] == contents[other][:, None]))
    other[query], value[query] = rows[query, place], cosines[query, place]
    return NearReferences(rows, cosines, other, value)
