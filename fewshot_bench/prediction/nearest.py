"""Why: the nearest reference pictures of a new one, by the cosine of their embeddings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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
    """Lists the ``LISTED`` rows of a large table that are nearest by products of 8-bit numbers (faiss).

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


def several_listed(
    table: NDArray[np.float32],
    listed: NDArray[np.int64],
    queries: NDArray[np.float32],
    k: int,
    groups: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Returns what ``nearest_several`` returns, of ``listed`` rows [Q, L] alone, which are in ``table`` [Q, L, D]."""
    products = np.einsum("qld,qd->ql", table, queries)
    places, cosines = greatest(products, k, None if groups is None else groups[listed])
    return np.where(places >= 0, np.take_along_axis(listed, places.clip(0), axis=1), -1), cosines


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


def contents_of(digests: NDArray[np.uint8], labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """Returns a number for each pair of a digest [M, 32] and a label [M], 0 and up in the order of their bytes.

    Rows are sorted by the first 8 bytes, and those alone whose first bytes are equal by the others too.
    """
    words = np.ascontiguousarray(digests).view(">u8").astype(np.uint64)
    last = labels.astype("<i4").view(">u4")  # bytes of a label count from the lowest
    order = np.argsort(words[:, 0])
    first = words[order, 0]
    level = np.flatnonzero(first[1:] == first[:-1]) + 1
    places = np.union1d(level, level - 1)
    some = order[places]
    order[places] = some[np.lexsort((last[some], *words[some].T[::-1]))]
    differs, now, before = np.ones(len(order), dtype=np.bool_), order[level], order[level - 1]
    differs[level] = (words[now] != words[before]).any(axis=1) | (last[now] != last[before])
    groups = np.empty(len(order), dtype=np.int64)
    groups[order] = differs.cumsum() - 1
    return groups


def greatest(
    products: NDArray[np.floating[Any]], k: int, groups: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Returns the places ``[Q, k]`` of the k greatest cosines of each row of ``products [Q, L]``, and these cosines.

    The greatest comes first, and of equal ones the one in front. ``groups``, ``[L]`` or ``[Q, L]``, are numbers from
    0, and of those with the same number the greatest is given alone. Where there are fewer than k, −1 and −inf follow.
    ``products`` is overwritten.
    """
    every = np.arange(len(products))
    places = np.full((len(products), k), -1, dtype=np.int64)
    cosines = np.full((len(products), k), -np.inf)
    given = np.full((len(products), k), -1, dtype=np.int64)
    for column in range(k):
        best = products.argmax(axis=1)
        if groups is not None:
            repeated = every
            while len(repeated):
                given[repeated, column] = _each(groups, repeated, best[repeated])
                same = (given[repeated, :column] == given[repeated, column, None]).any(axis=1)
                repeated = repeated[same & np.isfinite(products[repeated, best[repeated]])]
                for query in repeated.tolist():
                    own = groups if groups.ndim == 1 else groups[query]
                    products[query, own == given[query, column]] = -np.inf
                    best[query] = products[query].argmax()
        value = products[every, best]
        there = np.isfinite(value)
        places[there, column], cosines[there, column] = best[there], value[there].clip(-1, 1)
        products[every, best] = -np.inf
    return places, cosines


def _each(
    groups: NDArray[np.int64], queries: NDArray[np.int64], places: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Returns the groups [R] at one place for each of R queries."""
    found: NDArray[np.int64] = groups[places] if groups.ndim == 1 else groups[queries, places]
    return found


def nearest_several(
    table: NDArray[np.float32], queries: NDArray[np.float32], k: int, groups: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Returns the rows ``[Q, k]`` of the k greatest cosines in a ``table [M, D]``, and these, of ``queries [Q, D]``.

    Both are ``unit`` vectors. The nearest row comes first, and of equally near ones the lower one. With ``groups [M]``,
    of rows with the same number the nearest is given alone. Where there are fewer than k, −1 and −inf follow.
    """
    return several_of_blocks([table], queries, k, groups)


def nearest_of_class(
    take: Callable[[NDArray[np.int64]], NDArray[np.float32]],
    queries: NDArray[np.float32],
    support: NDArray[np.int64],
    classes: NDArray[np.integer],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Returns what ``nearest`` returns of the rows of one class for each query, that of ``classes`` [Q].

    ``take`` gives the ``unit`` vectors [R, D] of rows [R], and ``support`` [N, K] has the rows of each class, in order
    and padded with −1.
    """
    rows = np.full(len(queries), -1, dtype=np.int64)
    cosines = np.full(len(queries), -np.inf)
    step = max(1, PRODUCTS // max(1, queries.shape[1]))
    for number in np.unique(classes).tolist():
        asked = np.flatnonzero(classes == number)
        own = support[number][support[number] >= 0]
        for start in range(0, len(own), step):
            part = own[start : start + step]
            best, value = nearest(take(part), queries[asked])
            closer = value > cosines[asked]
            rows[asked[closer]], cosines[asked[closer]] = part[best[closer]], value[closer]
    return rows, cosines


def several_of_blocks(
    blocks: Sequence[NDArray[np.float32]],
    queries: NDArray[np.float32],
    k: int,
    groups: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Returns what ``nearest_several`` returns of a table that is given as ``blocks`` of its rows, in order."""
    rows = np.full((len(queries), k), -1, dtype=np.int64)
    cosines = np.full((len(queries), k), -np.inf)
    step = max(1, PRODUCTS // max(1, sum(map(len, blocks))))
    for start in range(0, len(queries), step):
        part = slice(start, start + step)
        products = np.concatenate([queries[part] @ block.T for block in blocks], axis=1)
        rows[part], cosines[part] = greatest(products, k, groups)
    return rows, cosines


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
