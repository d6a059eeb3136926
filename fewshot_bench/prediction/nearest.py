"""Why: the nearest reference picture of a new one, by the cosine of their embeddings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

PRODUCTS = 1 << 24
"""The most cosines that are held at once."""

SIDE = 2048
"""Rows of which all products are held at once."""

UNITS = 1024
"""Rows whose lengths are found in float64 at once."""

MANY = 1 << 14
"""Rows of a table from which a shortlist pays: it is read in one byte a number instead of four."""

LISTED = 32
"""Rows of a shortlist, of which the nearest is found exactly."""


class Shortlist:
    """Finds the nearest row of a large table: ``LISTED`` rows by products of 8-bit numbers (faiss), then exactly.

    ``table`` is float32 [M, D], of ``unit`` vectors. With 100,000 rows of 1,280 numbers a picture takes a third of the
    time of all products.
    """

    def __init__(self, table: NDArray[np.float32]) -> None:
        import faiss

        self.table = table
        kind = faiss.ScalarQuantizer.QT_8bit
        self.index = faiss.IndexScalarQuantizer(table.shape[1], kind, faiss.METRIC_INNER_PRODUCT)
        self.index.train(table[:: max(1, len(table) // MANY)])
        self.index.add(table)

    def listed(self, queries: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Returns ``LISTED`` cosines of 8-bit numbers, or all, and their rows, both [Q, L], of ``unit`` vectors."""
        cosines, rows = self.index.search(queries, min(LISTED, len(self.table)))
        return cosines, rows

    def nearest(self, queries: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Returns what ``nearest`` returns of ``unit`` vectors [Q, D]."""
        listed = np.sort(self.listed(queries)[1], axis=1)
        return nearest_listed(self.table[listed], listed, queries)


def nearest_listed(
    table: NDArray[np.float32], listed: NDArray[np.int64], queries: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Returns what ``nearest`` returns, of the ``listed`` rows [Q, L] alone, which are in ``table`` [Q, L, D]."""
    products = np.einsum("qld,qd->ql", table, queries)
    best = products.argmax(axis=1)
    rows = listed[np.arange(len(best)), best].astype(np.int64)
    return rows, products[np.arange(len(best)), best].astype(np.float64).clip(-1, 1)


def unit(vectors: NDArray[Any]) -> NDArray[np.float32]:
    """Returns vectors ``[M, D]`` divided by their lengths; 0 stays 0."""
    exact = np.asarray(vectors, dtype=np.float32)
    found = np.empty_like(exact, order="C")
    for start in range(0, len(exact), UNITS):
        part = exact[start : start + UNITS]
        length = np.sqrt((part.astype(np.float64) ** 2).sum(axis=1, keepdims=True))
        found[start : start + UNITS] = part / np.maximum(length, np.finfo(np.float64).tiny)
    return found


def nearest(
    table: NDArray[np.float32], queries: NDArray[np.float32], apart: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Returns the row ``[Q]`` of the greatest cosine in a ``table [M, D]``, and that cosine, of ``queries [Q, D]``.

    Both are ``unit`` vectors. With ``apart [Q + M]``, the numbers of queries and then of rows, rows of a query's own
    number are left out; a query without any other row has −1 and −inf.
    """
    rows = np.full(len(queries), -1, dtype=np.int64)
    cosine = np.full(len(queries), -np.inf)
    step = max(1, PRODUCTS // max(1, len(table)))
    for start in range(0, len(queries), step):
        part = slice(start, start + step)
        products = queries[part] @ table.T
        if apart is not None:
            own = apart[: len(queries)][part, None] == apart[len(queries) :]
            products = np.where(own, -np.inf, products)
        best = products.argmax(axis=1)
        value = products[np.arange(len(best)), best]
        cosine[part] = np.clip(value, -1, 1, where=np.isfinite(value), out=value)
        rows[part] = np.where(np.isfinite(value), best, -1)
    return rows, cosine


def nearest_of_blocks(
    blocks: Iterable[NDArray[np.float32]],
    queries: NDArray[np.float32],
    apart: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Returns what ``nearest`` returns of a table that is given as ``blocks`` of its rows, in order."""
    rows, cosine, start = np.full(len(queries), -1, dtype=np.int64), np.full(len(queries), -np.inf), 0
    for block in blocks:
        own = None
        if apart is not None:
            first = len(queries) + start
            own = np.concatenate([apart[: len(queries)], apart[first : first + len(block)]])
        found, value = nearest(block, queries, own)
        better = value > cosine  # of equal cosines the first row stays
        rows[better], cosine[better] = start + found[better], value[better]
        start += len(block)
    return rows, cosine


def nearest_other(
    table: NDArray[np.float32], labels: NDArray[np.integer[Any]]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Returns the row ``[M]`` of the greatest cosine among those of other ``labels [M]``, and that cosine.

    It is ``nearest(table, table, apart)`` with each product of two of the M rows of ``table [M, D]`` made once, SIDE ×
    SIDE of them at a time. Of equal cosines the first row counts; a row without any other has −1 and −inf.
    """
    rows, cosine = np.full(len(table), -1, dtype=np.int64), np.full(len(table), -np.inf, dtype=np.float32)
    parts = [slice(start, min(start + SIDE, len(table))) for start in range(0, len(table), SIDE)]

    def take(mine: slice, others: slice, products: NDArray[np.float32]) -> None:
        best = products.max(axis=1)
        better = np.flatnonzero(best > cosine[mine])
        rows[mine.start + better] = others.start + products[better].argmax(axis=1)
        cosine[mine.start + better] = best[better]

    for number, one in enumerate(parts):
        for other in parts[number:]:
            products = table[one] @ table[other].T
            mine, theirs = labels[one], labels[other]
            if max(mine.min(), theirs.min()) <= min(mine.max(), theirs.max()):
                products[mine[:, None] == theirs] = -np.inf
            take(one, other, products)
            if one != other:
                take(other, one, products.T)
    return rows, np.where(rows < 0, -np.inf, cosine.clip(-1, 1)).astype(np.float64)
