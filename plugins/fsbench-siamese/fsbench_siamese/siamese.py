"""What both Siamese networks are: an embedding trained on tuples of pictures, and a head on it."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.api import (
    BaseData,
    Context,
    EmbeddingMethod,
    KNearest,
    Perceptron,
    projected_encoder,
    training_facts,
)
from fsbench_siamese.config import Config, resolved
from fsbench_siamese.draw import Drawn
from fsbench_siamese.train import train_encoder, untrained

if TYPE_CHECKING:
    from torch import Tensor


class Siamese(EmbeddingMethod):
    """One network for all pictures of a tuple; a subclass says what the tuples are, and their loss."""

    api_version = 1
    reference = (
        "Chesterkine, Han, Santos García, Yamakoshi, Zhang: Fashion products identification, Navee project"
    )
    trains = True

    def __init__(self, config: Config | None = None) -> None:
        super().__init__(config)
        self.trains = self.config.checkpoint is None

    @abstractmethod
    def draw(self, labels: NDArray[np.integer], count: int, rng: np.random.Generator) -> Drawn:
        """``count`` tuples of pictures with these labels ``[M]``."""

    @abstractmethod
    def losses(self, vectors: Tensor, same: Tensor) -> Tensor:
        """The loss of each tuple: ``vectors [P, V, D]``, ``same [P]`` -> ``[P]``."""

    def fit(self, base: BaseData, context: Context) -> dict[str, Any]:
        """Train, or find what was trained before."""
        config = resolved(self.config)
        trunk = train_encoder(self.name, base, config, self, context)
        self.load(trunk, context)
        facts = training_facts({self.name: trunk.parent})
        return {"checkpoint": self.encoder.fingerprint()[:16], **facts}

    def load(self, trunk: Path, context: Context) -> None:
        """The encoder of a finished training."""
        config = resolved(self.config)
        self.encoder = projected_encoder(untrained(config, context), trunk, config.widths, config.output)

    def setup(self, context: Context) -> None:
        """The head; the encoder is there since ``fit``, or is that of ``checkpoint``."""
        c: Config = self.config
        if c.checkpoint is not None:
            self.load(Path(c.checkpoint).expanduser(), context)
        self.head = KNearest(c.k, c.metric) if c.head == "knn" else Perceptron((c.units,), seed=context.seed)
