"""An episode's actual support images: what class-major padding [N, K] holds, without the padding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def members(support: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """``support [E, N, K]`` -> rows and classes ``[E, S]`` of the support images in class-major order.

    S is the largest number of them in an episode; shorter episodes end with rows of −1 (and class 0).
    """
    episodes, ways, shots = support.shape
    flat = support.reshape(episodes, ways * shots)
    most = int((flat >= 0).sum(1).max(initial=0))
    order = np.argsort(flat < 0, axis=1, kind="stable")[:, :most]
    rows = np.take_along_axis(flat, order, 1)
    return rows, np.where(rows >= 0, order // max(1, shots), 0)
