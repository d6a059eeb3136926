"""ImageTasks: episodes as pictures, for methods that adapt a network to each of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.episodes.tasks import Tasks


@dataclass(frozen=True, eq=False)
class ImageTasks:
    """A batch of E episodes over a table of pictures ``[M, 3, S, S]`` uint8, without the labels of queries.

    The class of support picture (e, n, k) is n. Padded entries of ragged episodes show picture 0; they are
    those that are −1 in ``tasks``.
    """

    table: NDArray[np.uint8]
    tasks: Tasks
    device: str

    def __len__(self) -> int:
        return len(self.tasks)

    @property
    def support_images(self) -> NDArray[np.uint8]:
        """The support pictures ``[E, N, K, 3, S, S]``."""
        return self.table[np.maximum(self.tasks.support, 0)]

    @property
    def query_images(self) -> NDArray[np.uint8]:
        """The query pictures ``[E, Q, 3, S, S]``."""
        return self.table[np.maximum(self.tasks.query, 0)]

    def each(self) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8]]]:
        """Yields ``support [S', 3, S, S]``, ``labels [S']`` and ``query [Q', 3, S, S]`` of each episode, unpadded.

        S' and Q' are the numbers of support pictures and of queries; the rest is as in ``Tasks.each``.
        """
        yield from self.tasks.each(self.table)
