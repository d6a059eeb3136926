"""Tasks: what a method is shown of episodes. Rows of a table, and no query label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Tasks:
    """A batch of E episodes as row numbers into a table of images or embeddings.

    Parameters
    ----------
    support : int64 [E, N, K], row of the k-th support image of class n; −1 where an episode has fewer
        classes than N or a class fewer shots than K (padding comes last).
    query : int64 [E, Q], rows of the query images in an order that says nothing about their class; −1
        where an episode has fewer than Q.
    """

    support: NDArray[np.int64]
    query: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.support.shape[0])

    def __getitem__(self, part: slice) -> Tasks:
        """Episodes ``part`` of the batch."""
        return Tasks(self.support[part], self.query[part])

    @property
    def ways(self) -> int:
        """N, the (largest) number of classes of an episode."""
        return int(self.support.shape[1])

    @property
    def shots(self) -> int:
        """K, the (largest) number of support images of a class."""
        return int(self.support.shape[2])

    @property
    def ragged(self) -> bool:
        """True when some episode is padded."""
        return bool((self.support < 0).any() or (self.query < 0).any())
