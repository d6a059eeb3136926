"""LinearEncoder: an encoder followed by an affine map."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.embed.pretrained import PretrainedEncoder

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, eq=False)
class LinearEncoder:
    """An encoder followed by x -> W x + b.

    ``matrix`` [D', D], ``offset`` [D'], ``pretraining``: what both saw.
    """

    inner: PretrainedEncoder
    matrix: NDArray[np.float32] = field(repr=False)
    offset: NDArray[np.float32] = field(repr=False)
    pretraining: str

    @property
    def name(self) -> str:
        """What lists call it."""
        return f"{self.inner.name}, linear"

    @property
    def weights(self) -> Path | None:
        """The inner encoder's file."""
        return self.inner.weights

    def fingerprint(self) -> str:
        """Returns sha256 (hex) of the inner encoder and the map."""
        sha = hashlib.sha256(self.inner.fingerprint().encode())
        for array in (self.matrix, self.offset):
            sha.update(np.ascontiguousarray(array, dtype="<f4").tobytes())
        return sha.hexdigest()

    def prepare(self, image: Image) -> NDArray[np.uint8]:
        """Returns what the inner encoder prepares."""
        return self.inner.prepare(image)

    def encode(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Returns ``[B, 3, S, S]`` -> ``[B, D']``."""
        return self.after(self.inner.encode(batch))

    def after(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns ``[B, D]`` -> ``[B, D']``."""
        return vectors @ self.matrix.T + self.offset
