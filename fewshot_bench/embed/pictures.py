"""Pictures: the encoder that keeps a picture as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import UsageError

if TYPE_CHECKING:
    from PIL.Image import Image

VIEWS = ("pad", "crop", "stretch")
"""How a picture that is not square becomes one of ``size`` × ``size``."""


@dataclass(frozen=True)
class Pictures:
    """An encoder that keeps the picture, so that decoded pictures live in the embedding cache as well.

    ``view`` is ``crop`` (the short side becomes ``size``, the centre is cut out), ``pad`` (the long side becomes
    ``size``, on black) or ``stretch``; all of them bilinear and antialiased.
    """

    size: int
    view: str = "crop"

    libraries: ClassVar[tuple[str, ...]] = ("numpy", "pillow")

    def __post_init__(self) -> None:
        if self.view not in VIEWS:
            raise UsageError(f"The view of pictures is one of {', '.join(VIEWS)}, not {self.view!r}.")

    @property
    def pretraining(self) -> str:
        """There are no weights."""
        return "none"

    @property
    def name(self) -> str:
        """What lists call it."""
        return f"pictures, {self.view} {self.size}px"

    def fingerprint(self) -> str:
        """Returns the size and the view are all there is."""
        kind = "pictures-1" if self.view == "crop" else f"pictures-1{self.view}"
        return f"{kind:0<32}{self.size:032x}"

    def prepare(self, image: Image) -> NDArray[np.uint8]:
        """Returns ``[3·S·S]``."""
        from PIL import Image as Pillow
        from PIL import ImageOps

        how, side = Pillow.Resampling.BILINEAR, (self.size, self.size)
        if self.view == "stretch":
            square = image.resize(side, how)
        else:
            square = (ImageOps.fit if self.view == "crop" else ImageOps.pad)(image, side, method=how)
        return np.asarray(square, dtype=np.uint8).transpose(2, 0, 1).reshape(-1)

    def encode(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Returns the same as float32; the cache's float16 holds every whole number up to 2,048 exactly."""
        return batch.astype(np.float32)
