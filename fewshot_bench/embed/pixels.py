"""PixelEncoder: the picture itself, small. The floor that every learned embedding has to be above."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class PixelEncoder:
    """Raw pixels of the picture stretched to ``size`` × ``size`` (bilinear, antialiased), R, G, B in 0..1.

    D = 3·size²; needs neither torch nor weights.
    """

    size: int = 32

    libraries: ClassVar[tuple[str, ...]] = ("numpy", "pillow")

    @property
    def name(self) -> str:
        """What lists call it."""
        return f"pixels {self.size}px"

    @property
    def pretraining(self) -> str:
        """There are no weights."""
        return "none"

    def fingerprint(self) -> str:
        """Returns the size is all there is."""
        return hashlib.sha256(f"fsbench-pixels-1 {self.size}".encode()).hexdigest()

    def prepare(self, image: Image) -> NDArray[np.uint8]:
        """Returns ``[3, size, size]``."""
        from PIL import Image as Pillow

        small = image.convert("RGB").resize((self.size, self.size), Pillow.Resampling.BILINEAR)
        return np.asarray(small, dtype=np.uint8).transpose(2, 0, 1)

    def encode(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Returns ``[B, 3, size, size]`` -> ``[B, D]``."""
        return batch.reshape(len(batch), -1).astype(np.float32) / np.float32(255)
