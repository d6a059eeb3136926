"""``siamese-triplet``: a picture nearer to one of its class than to one of another, by at least a margin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.api import triplet
from fsbench_siamese.config import Config
from fsbench_siamese.draw import Drawn, triplets
from fsbench_siamese.siamese import Siamese

if TYPE_CHECKING:
    from torch import Tensor


class SiameseTriplet(Siamese):
    """L = [d(a, p) + m − d(a, n)]₊, a and p of one class, n of another, d Euclidean."""

    name = "siamese-triplet"
    summary = "embedding trained on triplets by the triplet loss, the hardest of a batch; k-NN or perceptron"
    Config = Config

    def draw(self, labels: NDArray[np.integer], count: int, rng: np.random.Generator) -> Drawn:
        """Triplets (a, p, n)."""
        return triplets(labels, count, rng)

    def losses(self, vectors: Tensor, same: Tensor) -> Tensor:
        """L of each triplet: ``vectors [P, 3, D]`` -> ``[P]``."""
        return triplet(vectors[:, 0], vectors[:, 1], vectors[:, 2], self.config.margin)
