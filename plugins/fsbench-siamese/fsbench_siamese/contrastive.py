"""``siamese-contrastive``: two pictures of one class near each other, of two classes at least a margin apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.api import contrastive, tunable
from fsbench_siamese.config import Config
from fsbench_siamese.draw import Drawn, pairs
from fsbench_siamese.siamese import Siamese

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class ContrastiveConfig(Config):
    """Parameters of ``siamese-contrastive``."""

    p_same: float = tunable(0.4, 0.1, 0.9, help="probability that a pair shows one class")


class SiameseContrastive(Siamese):
    """L = y·d(x, x') + (1 − y)·max(0, m − d(x, x')), y = 1 with probability p_same, d Euclidean."""

    name = "siamese-contrastive"
    summary = "embedding trained on pairs by the contrastive loss, the hardest of a batch; k-NN or perceptron"
    Config = ContrastiveConfig

    def draw(self, labels: NDArray[np.integer], count: int, rng: np.random.Generator) -> Drawn:
        """Pairs (x, x') and y."""
        return pairs(labels, count, self.config.p_same, rng)

    def losses(self, vectors: Tensor, same: Tensor) -> Tensor:
        """L of each pair: ``vectors [P, 2, D]``, ``same [P]`` -> ``[P]``."""
        return contrastive(vectors[:, 0], vectors[:, 1], same, self.config.margin)
