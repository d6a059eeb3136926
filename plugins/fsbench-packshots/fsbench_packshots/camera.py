"""What a hand-held camera makes of a scene: viewpoint, resolution, blur, light, glare, noise, JPEG."""

from __future__ import annotations

import io
from functools import lru_cache
from math import cos, sin
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fsbench_packshots.scene import Scene

if TYPE_CHECKING:
    from PIL.Image import Image

LONG_SIDE = 176
"""Longer side of an in-situ picture in pixels."""


def photograph(scene: Scene, rng: np.random.Generator) -> Image:
    """Returns the scene's product in an RGB crop, ``LONG_SIDE`` pixels at its longer side; drawn from ``rng``."""
    from PIL import Image, ImageChops

    (width, height), corners = _frame(scene, rng)
    coarse = min(1.0, max(0.34, rng.lognormal(-0.42, 0.35)))
    size = max(24, round(width * coarse)), max(24, round(height * coarse))
    source, unit = scene.picture, 1.0
    if _scale(corners, size) > 1.7:
        source, unit = source.reduce(2), 0.5
    view = source.transform(
        size, Image.Transform.PERSPECTIVE, _homography(size, corners * unit), Image.Resampling.BILINEAR
    )
    view = _blur(view, coarse, rng)
    view = ImageChops.multiply(view, _light(size, rng))
    if rng.random() < 0.3:
        view = ImageChops.screen(view, _glare(size, rng))
    view = _develop(view, rng)
    view = _compress(view, int(rng.integers(28, 82)))
    return view if size == (width, height) else view.resize((width, height), Image.Resampling.BICUBIC)


def _frame(scene: Scene, rng: np.random.Generator) -> tuple[tuple[int, int], NDArray[np.float64]]:
    """Size of the crop, and its corners in the scene [4, 2], clockwise from the upper left."""
    left, top, right, bottom = scene.place
    half = np.array([right - left, bottom - top]) / 2
    centre = np.array([left, top]) + half + rng.normal(0, 0.06, 2) * half * 2
    reach = half * rng.uniform(1.0, 1.24) + 2
    ratio = float(np.clip(reach[0] / reach[1], 0.78, 1.35))
    reach = np.array([max(reach[0], reach[1] * ratio), max(reach[1], reach[0] / ratio)])
    turn, yaw, pitch = rng.normal(0, (0.05, 0.085, 0.06))
    corners = np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
    depth = 1 + yaw * corners[:, :1] + pitch * corners[:, 1:]
    corners = corners * depth * reach
    corners[:, 0] += corners[:, 1] * rng.normal(0, 0.04)
    rotation = np.array([[cos(turn), -sin(turn)], [sin(turn), cos(turn)]])
    longest = LONG_SIDE / reach.max()
    size = (round(reach[0] * longest), round(reach[1] * longest))
    return size, corners @ rotation.T + centre


def _scale(corners: NDArray[np.float64], size: tuple[int, int]) -> float:
    """Pixels of the scene for one of the view, along the upper edge."""
    return float(np.hypot(*(corners[1] - corners[0]))) / size[0]


def _homography(size: tuple[int, int], corners: NDArray[np.float64]) -> list[float]:
    """The eight numbers by which the corners of a picture of ``size`` map to ``corners`` [4, 2]."""
    width, height = size
    rows, values = [], []
    for (x, y), (to_x, to_y) in zip(((0, 0), (width, 0), (width, height), (0, height)), corners, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -to_x * x, -to_x * y], [0, 0, 0, x, y, 1, -to_y * x, -to_y * y]]
        values += [to_x, to_y]
    return [float(v) for v in np.linalg.solve(np.array(rows, float), np.array(values, float))]


def _blur(view: Image, coarse: float, rng: np.random.Generator) -> Image:
    """Out of focus, or moved; a coarse picture less, as it is blurred already."""
    from PIL import ImageFilter

    chance, amount = rng.random(), rng.uniform(0.3, 1.7) * coarse
    if chance < 0.45:
        return view.filter(ImageFilter.BoxBlur(amount))
    if chance < 0.75:
        along = (amount * 2.2, 0.0) if rng.random() < 0.7 else (0.0, amount * 1.8)
        return view.filter(ImageFilter.BoxBlur(along))
    return view


def _light(size: tuple[int, int], rng: np.random.Generator) -> Image:
    """Uneven, coloured light as a picture to multiply with: 3 × 3 random lamps, smoothly blended."""
    from PIL import Image

    cast = 1 + rng.normal(0, (0.08, 0.03, 0.1))
    lamps = rng.uniform(0.68, 1.0) + rng.normal(0, 0.08, (3, 3, 1))
    field = np.clip(255 * lamps * cast / cast.max(), 60, 255).astype(np.uint8)
    return Image.fromarray(field).resize(size, Image.Resampling.BICUBIC)


def _glare(size: tuple[int, int], rng: np.random.Generator) -> Image:
    """The reflection of a lamp: a soft slanted stripe as a picture to screen with."""
    from PIL import Image

    x0, x1 = rng.uniform(0.1, 0.9, 2)
    wide, strength = rng.uniform(0.04, 0.16), rng.uniform(60, 190)
    y, x = np.mgrid[0:24, 0:24].astype(np.float32) / 24
    inside = np.exp(-(((x - x0 - (x1 - x0) * y) / wide) ** 2)) * np.clip(1.6 - 2.2 * np.abs(y - 0.5), 0, 1)
    return (
        Image.fromarray((strength * inside).astype(np.uint8))
        .resize(size, Image.Resampling.BICUBIC)
        .convert("RGB")
    )


@lru_cache(maxsize=1)
def _grain() -> NDArray[np.int16]:
    """Noise with a standard deviation of 32 grey levels, cut from at random places."""
    return np.random.default_rng(0).normal(0, 32, (2 * LONG_SIDE, 2 * LONG_SIDE, 3)).astype(np.int16)


def _develop(view: Image, rng: np.random.Generator) -> Image:
    """Exposure, contrast and saturation of the camera, then the noise of its sensor."""
    from PIL import Image

    gain, gamma, fade = rng.uniform(0.95, 1.35), rng.lognormal(0, 0.16), rng.uniform(0, 26)
    curve = fade + (255 - fade) * np.clip(np.arange(256) / 255 * gain, 0, 1) ** gamma
    view = view.point([int(v) for v in curve.clip(0, 255)] * 3)
    if rng.random() < 0.5:
        view = Image.blend(view, view.convert("L").convert("RGB"), float(rng.uniform(0, 0.4)))
    (width, height), sigma = view.size, int(rng.integers(2, 12))
    y, x = rng.integers(0, LONG_SIDE, 2)
    noise = _grain()[y : y + height, x : x + width] * np.int16(sigma) // 32
    return Image.fromarray(np.clip(np.asarray(view) + noise, 0, 255).astype(np.uint8))


def _compress(view: Image, quality: int) -> Image:
    """Through JPEG and back."""
    from PIL import Image

    file = io.BytesIO()
    view.save(file, "JPEG", quality=quality)
    with Image.open(file) as image:
        return image.convert("RGB")
