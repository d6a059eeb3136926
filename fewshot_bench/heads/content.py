"""An order of an episode's images, and a random number seed, from the contents of the images alone.

Row numbers depend on the episodes that share a table, and the order of images on the order of classes. The
contents of the support depend on neither.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor


def keys_of(table: Tensor, rows: NDArray[np.int64], block: int = 4096) -> NDArray[np.uint64]:
    """Returns a number for the embedding in each of the ``rows [E, S]``, and the largest uint64 for rows of −1."""
    used = np.unique(rows[rows >= 0])
    keys = np.zeros(len(table) + 1, dtype=np.uint64)
    keys[-1] = np.iinfo(np.uint64).max
    for start in range(0, len(used), block):
        part = used[start : start + block]
        vectors = table[part].cpu().float().numpy().astype("<f4", copy=False)
        digests = b"".join(hashlib.blake2b(v.tobytes(), digest_size=8).digest() for v in vectors)
        keys[part] = np.frombuffer(digests, dtype="<u8")
    return keys[rows]


def in_order_of_content(
    table: Tensor, rows: NDArray[np.int64], label: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], list[int]]:
    """Returns ``rows`` and ``label [E, S]`` of each episode in the order of their keys, and one seed an episode."""
    keys = keys_of(table, rows)
    order = np.argsort(keys, axis=1, kind="stable")
    rows, label = np.take_along_axis(rows, order, 1), np.take_along_axis(label, order, 1)
    seeds = []
    for key, row in zip(np.take_along_axis(keys, order, 1), rows, strict=True):
        digest = hashlib.sha256(f"perceptron {seed}".encode() + key[row >= 0].astype("<u8").tobytes())
        seeds.append(int.from_bytes(digest.digest()[:8], "little") >> 1)
    return rows, label, seeds
