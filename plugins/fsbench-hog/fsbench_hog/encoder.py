"""HogEncoder: scikit-image's histogram of oriented gradients of a small picture, on all cores."""

from __future__ import annotations

import hashlib
import importlib.metadata
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.api import UsageError

if TYPE_CHECKING:
    from PIL.Image import Image

ALONE = 512
"""The number of pictures that this process encodes before it shares the work, since starting others takes as
long.
"""


@dataclass(frozen=True)
class HogSetting:
    """The settings of HOG (Dalal and Triggs: Histograms of Oriented Gradients for Human Detection, CVPR 2005).

    Parameters
    ----------
    height, width : the picture is stretched to this many pixels (bilinear, antialiased).
    cell : side of a cell, in pixels; what does not fill a cell at the right and lower edge is left out.
    block : side of a block, in cells; blocks overlap, one begins at every cell.
    orientations : bins of the angles 0° to 180°, at least 1.
    norm : normalisation of a block, by its name in scikit-image.
    colour : whether the channel with the strongest gradient at each pixel is taken, instead of the grey picture.

    Raises UsageError when no block fits the picture.
    """

    height: int = 80
    width: int = 60
    cell: int = 8
    block: int = 2
    orientations: int = 8
    norm: str = "L2-Hys"
    colour: bool = False

    def __post_init__(self) -> None:
        for name in ("height", "width", "cell", "block", "orientations"):
            if getattr(self, name) < 1:
                raise UsageError(f"HOG needs {name} of at least 1, not {getattr(self, name)}.")
        if min(self.height, self.width) < self.cell * self.block:
            raise UsageError(
                f"A HOG block of {self.block} × {self.block} cells of {self.cell} px does not fit a picture of "
                f"{self.height} × {self.width} px; choose a smaller cell or block, or a larger picture."
            )

    @property
    def values(self) -> int:
        """The length D of the vector."""
        rows, columns = (side // self.cell - self.block + 1 for side in (self.height, self.width))
        return rows * columns * self.block**2 * self.orientations


def describe(batch: NDArray[np.uint8], setting: HogSetting) -> NDArray[np.float32]:
    """Returns the HOG of pictures ``[B, height, width]`` or ``[B, height, width, 3]`` as ``[B, D]``."""
    from skimage.feature import hog

    vectors = [
        hog(
            picture,
            orientations=setting.orientations,
            pixels_per_cell=(setting.cell, setting.cell),
            cells_per_block=(setting.block, setting.block),
            block_norm=setting.norm,
            channel_axis=-1 if setting.colour else None,
        )
        for picture in batch
    ]
    return np.stack(vectors).astype(np.float32)


@dataclass(frozen=True)
class HogEncoder:
    """HOG as an encoder; the vector of a picture does not depend on the process that computes it.

    scikit-image holds Python's lock for most of its work. So the work is shared among processes, not threads.
    """

    setting: HogSetting = HogSetting()
    _done: list[int] = field(default_factory=lambda: [0], repr=False, compare=False)

    @property
    def name(self) -> str:
        """The name that lists show."""
        s = self.setting
        return f"hog {s.height}x{s.width}px, {s.values} values"

    @property
    def pretraining(self) -> str:
        """The value "none", since there are no weights."""
        return "none"

    def fingerprint(self) -> str:
        """Returns the sha256 (hex) of the setting and scikit-image's version."""
        version = importlib.metadata.version("scikit-image")
        return hashlib.sha256(f"fsbench-hog-1 {version} {asdict(self.setting)}".encode()).hexdigest()

    def prepare(self, image: Image) -> NDArray[np.uint8]:
        """Returns the picture as ``[height, width]`` grey or ``[height, width, 3]``."""
        from PIL import Image as Pillow

        small = image.convert("RGB").resize(
            (self.setting.width, self.setting.height), Pillow.Resampling.BILINEAR
        )
        return np.asarray(small if self.setting.colour else small.convert("L"), dtype=np.uint8)

    def encode(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Returns the vectors ``[B, D]`` of prepared pictures ``[B, …]``."""
        import joblib  # type: ignore[import-untyped]

        cores = joblib.cpu_count()
        self._done[0] += len(batch)
        if cores == 1 or self._done[0] <= ALONE:
            return describe(batch, self.setting)
        parts = np.array_split(batch, min(cores, len(batch)))
        work = joblib.Parallel(n_jobs=cores, backend="loky")
        return np.concatenate(work(joblib.delayed(describe)(part, self.setting) for part in parts))
