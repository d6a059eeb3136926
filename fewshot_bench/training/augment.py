"""Augmentation of natural pictures for training from scratch: mirrored, and moved by a few pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.training.distort import Distortion


@dataclass(frozen=True)
class Augmentation:
    """What may happen to each picture, by its own draw.

    Parameters
    ----------
    flip : whether half of the pictures are mirrored left to right.
    shift : most pixels that a picture is moved by, in each direction; what enters is the mirror image.
    """

    flip: bool = True
    shift: int = 8

    def __call__(self, images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        """``images [..., 3, S, S]`` -> as many, changed."""
        flat = images.reshape(-1, *images.shape[-3:])
        side = flat.shape[-1]
        mirrored = rng.random(len(flat)) < (0.5 if self.flip else 0.0)
        moved = rng.integers(-self.shift, self.shift + 1, (2, len(flat), 1))
        rows, columns = (reflected(np.arange(side) + m, side) for m in moved)
        columns = np.where(mirrored[:, None], columns[:, ::-1], columns)
        picture, channel = np.arange(len(flat))[:, None, None, None], np.arange(3)[:, None, None]
        changed = flat[picture, channel, rows[:, None, :, None], columns[:, None, None, :]]
        return changed.reshape(images.shape)


def reflected(places: NDArray[np.int64], side: int) -> NDArray[np.int64]:
    """Places beyond 0..side−1 folded back at the border, which is not repeated."""
    period = max(1, 2 * (side - 1))
    folded = places % period
    return np.minimum(folded, period - folded)


Augment = Literal["none", "flip", "distort"]
"""What is done to training pictures: nothing; mirrored and moved by up to a tenth; distorted as by a camera."""


def augmented(images: NDArray[np.uint8], kind: Augment, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Returns pictures ``[..., 3, S, S]``, each changed in its own way."""
    if kind == "none":
        return images
    side = images.shape[-1]
    if kind == "flip":
        return Augmentation(shift=side // 10)(images, rng)
    import torch

    random = torch.Generator().manual_seed(int(rng.integers(2**62)))
    flat = torch.from_numpy(images.reshape(-1, *images.shape[-3:])).float() / 255
    seen = Distortion()(flat, side, random)
    return np.asarray((seen * 255).round().byte().numpy()).reshape(images.shape)
