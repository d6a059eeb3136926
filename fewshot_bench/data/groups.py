"""Groups: images that never stand on both sides of an episode, joined by links between them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray


def join(names: Sequence[Hashable], links: Iterable[tuple[int, int]] = ()) -> NDArray[np.int64]:
    """Returns group numbers int64 [M], counted from 0 in order of appearance.

    Images with an equal name share a group (None is a group of its own), and so do linked images (pairs of row
    numbers), transitively. The groups are found by union-find with path halving.
    """
    parent = list(range(len(names)))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    first: dict[Hashable, int] = {}
    for row, name in enumerate(names):
        if name is not None:
            parent[row] = first.setdefault(name, row)
    for a, b in links:
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    number: dict[int, int] = {}
    return np.array([number.setdefault(root(row), len(number)) for row in range(len(names))], dtype=np.int64)


def same_content(
    digests: NDArray[np.uint8], labels: NDArray[np.integer]
) -> tuple[list[tuple[int, int]], int]:
    """Returns links between images of one class with equal digest, and how many digests stand in several classes."""
    first: dict[tuple[bytes, int], int] = {}
    links = []
    for row, (digest, label) in enumerate(zip(digests, labels.tolist(), strict=True)):
        earlier = first.setdefault((digest.tobytes(), label), row)
        if earlier != row:
            links.append((earlier, row))
    classes: dict[bytes, int] = {}
    for content, _ in first:
        classes[content] = classes.get(content, 0) + 1
    return links, sum(count > 1 for count in classes.values())
