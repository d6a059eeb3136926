"""Pooling of a feature map [C, h, w] to a vector [C]: the average, or Local Concepts Accumulation.

``flatten`` pools nothing: the vector is the whole map, [C·h·w].

Local Concepts Accumulation (LCA; Srivastava, "Bag of Tricks for Retail Product Image Classification",
2020) average-pools the map with stride 1 over every window a×b larger than one cell; each window is one
local concept, and the picture is the average of its concepts. All of it is linear, so it is one weighted
sum over the cells, and the weights factorise. With c_a(i) = min(i, h−a) − max(0, i−a+1) + 1, the number
of the h−a+1 windows of height a that cover row i:

- every window *size* counts the same (``"size"``): with u(i) = Σ_a c_a(i) / (a·(h−a+1)) and v likewise
  over the columns, W = (u vᵀ − 1/(h·w)) / (h·w − 1);
- every *window* counts the same (``"window"``): with p(i) = Σ_a c_a(i) / a and q likewise,
  W = (p qᵀ − 1) / (h(h+1)/2 · w(w+1)/2 − h·w).

The subtracted term takes the 1×1 windows out again.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

POOLINGS = ("average", "lca", "lca-window", "flatten")
"""Names of the poolings: the mean of all cells, LCA with equal weight per size, LCA per window, all cells."""


def average_weights(h: int, w: int) -> NDArray[np.float64]:
    """Returns the weight of each cell in global average pooling, ``[h, w]``, all 1/(h·w)."""
    return np.full((h, w), 1.0 / (h * w))


def lca_weights(h: int, w: int, weighting: Literal["size", "window"] = "size") -> NDArray[np.float64]:
    """Returns the weight of each cell of an h×w map in LCA pooling, ``[h, w]``, non-negative, of sum 1.

    ``weighting`` says what counts the same: every window ``"size"`` or every ``"window"``. A map of one
    cell has no window larger than it; it is its own and only concept (weight 1).
    """
    if h * w == 1:
        return np.ones((1, 1))
    if weighting == "size":
        return (np.outer(_per_size(h), _per_size(w)) - 1 / (h * w)) / (h * w - 1)
    windows = h * (h + 1) // 2 * (w * (w + 1) // 2) - h * w
    return (np.outer(_per_window(h), _per_window(w)) - 1) / windows


def pool(features: Tensor, kind: str = "average") -> Tensor:
    """Pools feature maps ``[B, C, h, w]`` to vectors ``[B, C]`` float32; ``kind`` is one of ``POOLINGS``.

    ``flatten`` gives ``[B, C·h·w]``, channel after channel. Vectors ``[B, C]`` stay as they are.
    Computes in float32, whatever the caller's autocast.
    """
    check_pooling(kind)
    import torch

    if features.ndim == 2:
        return features.float()
    with torch.autocast(features.device.type, enabled=False):
        exact = features.float()
        if kind == "flatten":
            return exact.flatten(1)
        if kind == "average":
            return exact.mean(dim=(2, 3))
        h, w = features.shape[2:]
        weights = torch.from_numpy(_weights(h, w, kind)).to(features.device)
        return torch.einsum("bchw,hw->bc", exact, weights)


def check_pooling(kind: str) -> None:
    """Raises UsageError when there is no pooling of that name."""
    if kind not in POOLINGS:
        raise UsageError(f"There is no pooling {kind!r}; choose one of {', '.join(POOLINGS)}.")


@lru_cache(maxsize=256)
def _weights(h: int, w: int, kind: str) -> NDArray[np.float32]:
    return lca_weights(h, w, "window" if kind == "lca-window" else "size").astype(np.float32)


def _covering(n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sizes a = 1…n ``[n, 1]``, and how many windows of size a cover position i, ``[a, i]``."""
    size, i = np.arange(1, n + 1)[:, None], np.arange(n)[None, :]
    return size, np.minimum(i, n - size) - np.maximum(0, i - size + 1) + 1


def _per_size(n: int) -> NDArray[np.float64]:
    size, covering = _covering(n)
    return np.asarray((covering / (size * (n - size + 1))).sum(axis=0))


def _per_window(n: int) -> NDArray[np.float64]:
    size, covering = _covering(n)
    return np.asarray((covering / size).sum(axis=0))
