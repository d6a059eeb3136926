"""The actual support images of an episode: the rows [N, K] without their padding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def members(support: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns rows and classes ``[E, S]`` of the actual support images, from ``support [E, N, K]``.

    The images stand class after class. S is the largest number of support images in an episode; shorter episodes
    end with rows of −1 and class 0.
    """
    episodes, ways, shots = support.shape
    flat = support.reshape(episodes, ways * shots)
    largest = int((flat >= 0).sum(1).max(initial=0))
    order = np.argsort(flat < 0, axis=1, kind="stable")[:, :largest]
    rows = np.take_along_axis(flat, order, 1)
    return rows, np.where(rows >= 0, order // max(1, shots), 0)
