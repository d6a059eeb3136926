"""Pictures: the encoder that keeps a picture as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class Pictures:
    """An encoder that keeps the picture: so that decoded pictures live in the embedding cache as well."""

    size: int
    fit: str = "crop"

    @property
    def pretraining(self) -> str:
        """No weights."""
        return "none"

    def fingerprint(self) -> str:
        """Size and fit are all there is."""
        kind = "pictures-1" if self.fit == "crop" else f"pictures-1{self.fit}"
        return f"{kind:0<32}{self.size:032x}"

    def prepare(self, image: Image) -> NDArray[np.uint8]:
        """``[3·S·S]``: short side to S and centre crop, or long side to S and black borders (bilinear)."""
        from PIL import Image as Pillow
        from PIL import ImageOps

        fitted = ImageOps.fit if self.fit == "crop" else ImageOps.pad
        square = fitted(image, (self.size, self.size), method=Pillow.Resampling.BILINEAR)
        return np.asarray(square, dtype=np.uint8).transpose(2, 0, 1).reshape(-1)

    def encode(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Exact in the cache's float16, which holds every whole number up to 2,048."""
        return batch.astype(np.float32)
