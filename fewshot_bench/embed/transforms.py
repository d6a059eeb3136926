"""InputTransform: how a picture of any shape becomes the square that a network was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import UsageError

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

FITS = ("pad", "stretch", "crop")
"""How a picture that is not square enters the network.

``pad``: the whole picture, its shape kept, on a square of the mean colour. ``stretch``: the whole picture
made square. ``crop``: the short side resized, the centre cut out, as networks are evaluated on ImageNet.
"""

DEFAULT_FIT = "pad"
"""Measured with EfficientNet-Lite0, nearest class means (Euclidean, 20-way, 600 paired episodes), in points
against ``stretch``: GroZi-120 in-situ crops, many of them narrow, 1-shot: pad +4.7 ± 0.5, crop −2.3 ± 0.5;
Grocery Store iconic to natural, 1-shot: pad −0.6 ± 0.1, crop −1.2 ± 0.4; natural to natural, 5-shot: pad
−0.7 ± 0.1, crop +2.0 ± 0.2. A product's proportions tell it apart, and no end of it is cut off.
"""

INTERPOLATIONS = ("bilinear", "bicubic", "nearest")


@dataclass(frozen=True)
class InputTransform:
    """The input of a pretrained network.

    Parameters
    ----------
    size : side of the square, in pixels.
    resize : length of the short side before the centre crop, in pixels (used by ``crop`` alone).
    mean, std : of each of R, G, B, on the scale 0..1; the network sees (x − mean) / std.
    interpolation : one of ``INTERPOLATIONS``, antialiased.
    fit : how a picture that is not square enters, one of ``FITS``.
    """

    size: int
    resize: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str = "bilinear"
    fit: str = DEFAULT_FIT

    def __post_init__(self) -> None:
        if self.fit not in FITS:
            raise UsageError(f"A picture enters by fit = {', '.join(FITS)}, not {self.fit!r}.")
        if self.interpolation not in INTERPOLATIONS:
            raise UsageError(f"Interpolation is {', '.join(INTERPOLATIONS)}, not {self.interpolation!r}.")
        if not 1 <= self.size <= self.resize:
            raise UsageError(
                f"An input of {self.size} px cannot be cut from a picture resized to {self.resize} px."
            )

    def prepare(self, image: Image) -> NDArray[np.uint8]:
        """An RGB picture as ``[3, size, size]``."""
        fitted = getattr(self, f"_{self.fit}")(image.convert("RGB"))
        return np.array(fitted, dtype=np.uint8).transpose(2, 0, 1)

    def normalise(self, batch: Tensor) -> Tensor:
        """Prepared pictures ``[B, 3, size, size]`` as the network's input, float32, channels last."""
        import torch

        mean, std = (
            255 * torch.tensor(v, device=batch.device).view(1, 3, 1, 1) for v in (self.mean, self.std)
        )
        x = batch.to(torch.float32, memory_format=torch.channels_last)
        return (x - mean) / std

    def _pad(self, image: Image) -> Image:
        from PIL import Image as Pillow

        scale = self.size / max(image.size)
        w, h = (max(1, round(side * scale)) for side in image.size)
        r, g, b = (round(255 * mean) for mean in self.mean)
        square = Pillow.new("RGB", (self.size, self.size), (r, g, b))
        square.paste(self._resized(image, w, h), ((self.size - w) // 2, (self.size - h) // 2))
        return square

    def _stretch(self, image: Image) -> Image:
        return self._resized(image, self.size, self.size)

    def _crop(self, image: Image) -> Image:
        """As torchvision and timm round: the long side down, the corner to the nearest (even) pixel."""
        short = min(image.size)
        w, h = (self.resize if side == short else int(self.resize * side / short) for side in image.size)
        left, top = round((w - self.size) / 2), round((h - self.size) / 2)
        return self._resized(image, w, h).crop((left, top, left + self.size, top + self.size))

    def _resized(self, image: Image, w: int, h: int) -> Image:
        from PIL import Image as Pillow

        how: Any = getattr(Pillow.Resampling, self.interpolation.upper())
        return image.resize((w, h), how)
