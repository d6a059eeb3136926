"""In-vitro pictures: one pack alone in a studio, with a soft shadow on a light ground."""

from __future__ import annotations

from functools import lru_cache
from math import cos, radians, sin
from typing import TYPE_CHECKING

import numpy as np

from fsbench_packshots.forms import pack

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 192
"""Width and height in pixels."""


@lru_cache(maxsize=16)
def _ground(shade: int) -> Image:
    """A backdrop that fades towards its horizon; 16 of them, from white to light grey."""
    from PIL import Image

    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / SIDE
    light = 254 - shade - (7 + 1.2 * shade) * np.hypot(x - 0.45, y - 0.4) ** 2 - 4 * (y > 0.8)
    tint = np.array([0, (shade % 3) - 1, (shade % 5) - 1], np.float32)
    return Image.fromarray(np.clip(light[..., None] + tint, 0, 255).astype(np.uint8))


def studio(seed: int, number: int, rng: np.random.Generator) -> Image:
    """Returns the pack of one product, RGB ``SIDE`` × ``SIDE``: scale, tilt, place, shadow and light vary."""
    from PIL.Image import Resampling
    from PIL.ImageEnhance import Brightness

    one = pack(seed, number)
    picture = _ground(int(rng.integers(16))).copy()
    scale, tilt = rng.uniform(0.8, 0.9) * SIDE / max(one.front.size), radians(rng.normal(0, 1.6))
    x, y = SIDE / 2 + rng.uniform(-4, 4), SIDE * 0.505 + rng.uniform(-3, 3)
    reach, lean = rng.uniform(3, 8), rng.uniform(0.25, 0.85)
    cast = _placed(one.shadow, (x + reach * lean, y + reach * 0.6), scale, tilt, SIDE // 3)
    picture.paste((58, 54, 60), (0, 0), cast.resize((SIDE, SIDE), Resampling.BILINEAR))
    front = _placed(one.front, (x, y), scale, tilt, SIDE)
    picture.paste(front, (0, 0), front)
    return Brightness(picture).enhance(rng.uniform(0.96, 1.03))


def _placed(source: Image, at: tuple[float, float], scale: float, tilt: float, size: int) -> Image:
    """``source``, scaled and turned, its middle at ``at`` of the studio, on a square of ``size`` pixels."""
    from PIL.Image import Resampling, Transform

    c, s, unit = cos(tilt) / scale, sin(tilt) / scale, SIDE / size
    across = (c * unit, s * unit, source.width / 2 - c * at[0] - s * at[1])
    down = (-s * unit, c * unit, source.height / 2 + s * at[0] - c * at[1])
    return source.transform((size, size), Transform.AFFINE, (*across, *down), Resampling.BILINEAR)
