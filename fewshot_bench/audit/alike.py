"""Near-duplicates among many pictures: candidates by their hashes with faiss, then by their thumbnails.

Every hash is compared with every other, half a nanosecond a pair: two minutes of one core for half a million
pictures. Multi-index hashing (``faiss.IndexBinaryMultiHash``) finds the same; it was twice as fast on hashes
drawn at random and forty times slower on sparse ones, such as those of pictures on white.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.near import HASH_BITS, HASH_BYTES, THUMBNAIL_DIFFERENCE, difference, likeness

Signed = NDArray[np.uint8]

RESULTS = 2**20
"""The approximate number of candidates of one search, which decides how many rows are searched for at once."""

_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class Alike:
    """The near-duplicates of the rows that a search went through since its last part.

    ``done`` is the number of rows that are finished. ``rows`` and ``others`` int64 [P] are the pairs,
    ``likeness`` [P] says how alike their edges are, and ``candidates`` is the number of pairs that were
    compared for them. ``weights`` int64 [P] says how many pictures ``others`` stand for; None: one each.
    """

    done: int
    rows: NDArray[np.int64]
    others: NDArray[np.int64]
    likeness: NDArray[np.float64]
    candidates: int
    weights: NDArray[np.int64] | None = None


def alike(wanted: NDArray[np.int64], signed: Signed, gallery: Signed | None = None) -> Iterator[Alike]:
    """Yields all near-duplicates (see ``data/near.py``) of the rows ``wanted``, in their order.

    The rows are those of ``signed [M, 776]``. Near-duplicates are looked for in ``gallery [G, 776]``, or in
    ``signed`` itself when it is None; a row is never paired with itself. ``RESULTS`` bounds the memory, unless
    one row has more.
    """
    import torch  # noqa: F401  (before faiss: each brings its own OpenMP)

    # isort: split
    import faiss

    pictures = signed if gallery is None else gallery
    index = faiss.IndexBinaryFlat(8 * HASH_BYTES)
    index.add(np.ascontiguousarray(pictures[:, :HASH_BYTES]))
    step, start = 64, 0
    while start < len(wanted):
        part = wanted[start : start + step]
        limits, _, found = index.range_search(np.ascontiguousarray(signed[part, :HASH_BYTES]), HASH_BITS + 1)
        rows = np.repeat(part, np.asarray(limits[1:] - limits[:-1], dtype=np.int64))
        others = found.astype(np.int64)
        if gallery is None:
            rows, others = rows[rows != others], others[rows != others]
        start += len(part)
        yield _confirmed(start, rows, others, signed, pictures)
        step = int(np.clip(step * RESULTS / max(1, len(found)), 1, _AT_ONCE))


def _confirmed(
    done: int, rows: NDArray[np.int64], others: NDArray[np.int64], signed: Signed, pictures: Signed
) -> Alike:
    """Returns the candidates that are near-duplicates by their thumbnails as well."""
    kept, values = [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    for start in range(0, len(rows), _AT_ONCE):
        a, b = signed[rows[start : start + _AT_ONCE]], pictures[others[start : start + _AT_ONCE]]
        near = np.flatnonzero(difference(a, b) < THUMBNAIL_DIFFERENCE)
        kept.append(start + near)
        values.append(likeness(a[near], b[near]))
    keep = np.concatenate(kept)
    return Alike(done, rows[keep], others[keep], np.concatenate(values), len(rows))
