"""InputTransform: how a picture of any shape becomes the square that a network was trained on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import UsageError

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

View = Literal["pad", "crop", "stretch", "both"]
"""How a picture that is not square enters the network.

``pad``: the whole picture, its shape kept, on a square of the mean colour. ``crop``: the short side resized, the
centre cut out, as networks are evaluated on ImageNet. ``stretch``: the whole picture made square. ``both``: the
padded and the cropped view; a picture's vector is the sum of the unit vectors of the two.
"""

VIEWS: tuple[View, ...] = get_args(View)

DEFAULT_VIEW: View = "pad"
"""The view of an encoder where nothing is said, and of networks that are trained: no end of a picture is cut off."""

FROZEN_VIEW: View = "both"
"""The view of frozen pretrained features where nothing is said, by a rule that was written down before measuring.

Mean accuracy of EfficientNet-Lite0 and logistic regression on base and validation classes of four sets, in percent
(``benchmarks/views.py``, ``results/views/README.md``): pad 81.27, crop 81.50, stretch 81.31, both 82.16. Nearly all
of these pictures are square, so that it is mostly two scales that help; ``both`` was within 0.01 of the best on each
set. It encodes every picture twice.
"""

INTERPOLATIONS = ("bilinear", "bicubic", "nearest")


@dataclass(frozen=True)
class InputTransform:
    """The input of a network: how an RGB picture of any shape becomes an array of ``shape``.

    Parameters
    ----------
    size : side of the square, in pixels.
    resize : length of the short side before the centre crop, in pixels (used by ``crop`` and ``both``).
    mean, std : of each of R, G, B, on the scale 0..1; the network sees (x − mean) / std.
    interpolation : one of ``INTERPOLATIONS``, antialiased.
    view : how a picture that is not square enters, one of ``VIEWS``.
    """

    size: int
    resize: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str = "bilinear"
    view: View = DEFAULT_VIEW

    def __post_init__(self) -> None:
        if self.view not in VIEWS:
            raise UsageError(f"A view is one of {', '.join(VIEWS)}, not {self.view!r}.")
        if self.interpolation not in INTERPOLATIONS:
            raise UsageError(f"Interpolation is {', '.join(INTERPOLATIONS)}, not {self.interpolation!r}.")
        if not 1 <= self.size <= self.resize:
            raise UsageError(
                f"An input of {self.size} px cannot be cut from a picture resized to {self.resize} px."
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a prepared picture: ``[3, size, size]``; ``[2, 3, size, size]`` for ``both``."""
        square = (3, self.size, self.size)
        return (2, *square) if self.view == "both" else square

    def at(self, size: int, view: View) -> InputTransform:
        """Returns the transform at another size, the short side before the crop in proportion, and view."""
        return replace(self, size=size, resize=round(self.resize * size / self.size), view=view)

    def prepare(self, image: Image) -> NDArray[np.uint8]:
        """Returns a picture as an array of ``shape``; for ``both`` the padded view, then the cropped one."""
        rgb = image.convert("RGB")
        if self.view == "both":
            return np.stack([_array(self._pad(rgb)), _array(self._crop(rgb))])
        return _array({"pad": self._pad, "crop": self._crop, "stretch": self._stretch}[self.view](rgb))

    def normalise(self, batch: Tensor) -> Tensor:
        """Returns squares ``[B, 3, size, size]`` of 0..255 as the network's input, float32, channels last."""
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


def _array(square: Image) -> NDArray[np.uint8]:
    """A square RGB picture as ``[3, size, size]``."""
    return np.array(square, dtype=np.uint8).transpose(2, 0, 1)
