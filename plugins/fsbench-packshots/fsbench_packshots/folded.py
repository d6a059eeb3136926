"""Packs of board and foil: boxes, gabled cartons, sealed bags and standing pouches around a flat label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fsbench_packshots.colours import Colour

if TYPE_CHECKING:
    from PIL.Image import Image

Floats = NDArray[np.floating[Any]]


def _grid(size: tuple[int, int]) -> tuple[Floats, Floats]:
    """x from −1 to 1 and y from 0 to 1 over ``size`` (width, height)."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return (2 * x + 1) / width - 1, (y + 0.5) / height


def _sample(label: Image, u: Floats, v: Floats) -> Floats:
    """The label at u, v (0…1), its edge repeated outside."""
    pixels = np.asarray(label)
    rows = (v * pixels.shape[0]).astype(int).clip(0, pixels.shape[0] - 1)
    columns = (u * pixels.shape[1]).astype(int).clip(0, pixels.shape[1] - 1)
    seen: Floats = pixels[rows, columns].astype(np.float32)
    return seen


def _image(colour: Floats, inside: NDArray[np.bool_]) -> Image:
    from PIL import Image

    alpha = np.where(inside, 255, 0)[..., None]
    return Image.fromarray(np.concatenate([np.clip(colour, 0, 255), alpha], axis=2).astype(np.uint8))


def box(label: Image, size: tuple[int, int], depth: float) -> Image:
    """Returns a box turned so that its top and, on ``depth`` of the width (left where negative), a side show."""
    width, height = size
    side = abs(depth)
    lift = 0.35 * side * width / height
    x, y = _grid(size)
    u = (x + 1) / 2 if depth > 0 else (1 - x) / 2
    front = 1 - side
    beyond = np.clip((u - front) / side, 0, 1)
    v = (y - lift + lift * beyond) / (1 - lift)
    on_side = u > front
    flat = np.clip(u / front, 0, 1)
    colour = _sample(label, flat if depth > 0 else 1 - flat, v)
    light = 1.03 - 0.08 * flat - 0.05 * v
    light = np.where(on_side, 0.62 - 0.08 * beyond, light)
    light *= 1 - 0.16 * np.exp(-(((u - front) * width / 2.5) ** 2))
    slope = np.clip(-v * (1 - lift) / max(lift, 1e-6), 0, 1)
    on_top = (v < 0) & ~on_side & (u > slope * side) & (u < front + slope * side)
    top = (v < 0) & (u >= front) & (u - front < slope * side + 1e-6) & (slope < 1)
    colour[on_top | top] = colour[on_top | top] * 0.25 + 0.75 * np.clip(
        colour[on_top | top].mean(0) * 1.25, 0, 255
    )
    inside = ((v >= 0) & (v < 1)) | on_top
    return _image(colour * np.where(on_top, 1.12, light)[..., None], inside)


def carton(label: Image, size: tuple[int, int], roof: Colour, cap: Colour) -> Image:
    """Returns a gabled carton: the label below a sloping roof with a seam, a screw cap on the slope."""
    x, y = _grid(size)
    eaves, ridge, side = 0.2, 0.07, 0.2
    u = (x + 1) / 2 / (1 - side)
    colour = _sample(label, np.clip(u, 0, 1), (y - eaves) / (1 - eaves))
    light = np.where(u > 1, 0.66, 1.03 - 0.07 * u)
    on_roof, on_seam = (y < eaves) & (y >= ridge), y < ridge
    colour[on_roof | on_seam] = roof
    inset = 0.12 * np.clip((eaves - y) / (eaves - ridge), 0, 1)
    light = np.where(on_roof, np.where(u > 1, 0.74, 1.12 - 0.9 * (eaves - y)), light)
    light = np.where(on_seam, np.where(np.abs(y - ridge) < 0.008, 0.7, 1.02), light)
    light = np.where(np.abs(y - eaves) < 0.004, 0.8, light)
    inside = (x > -1 + inset) & (x < 1 - inset) & (y > 0.01)
    r = np.hypot((x + 0.18) * size[0] / size[1] / 0.9, (y - 0.135) * 2 * 1.25)
    disc = r < 0.1
    colour[disc] = cap
    light = np.where(disc, np.where(r > 0.08, 0.8, 1.05), light)
    return _image(colour * light[..., None], inside)


def _creases(rng: np.random.Generator, size: tuple[int, int], cells: int) -> Floats:
    """Smooth random light and shade about 0, as on crumpled foil."""
    from PIL import Image

    coarse = rng.normal(0, 1, (cells + 2, cells)).astype(np.float32)
    return np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))


def bag(label: Image, size: tuple[int, int], rng: np.random.Generator) -> Image:
    """Returns a bag full of air between two crimped seams."""
    x, y = _grid(size)
    seam = 0.055
    bulge = np.sin(np.pi * np.clip(y, 0, 1)) ** 0.5
    half = 0.9 + 0.1 * bulge - 0.015 * np.cos(y * 40) * (1 - bulge)
    inside = (
        (np.abs(x) < half)
        & (y > 0.012 * (np.abs((x * 30) % 1 - 0.5) * 2))
        & (y < 1 - 0.012 * (np.abs((x * 30) % 1 - 0.5) * 2))
    )
    colour = _sample(label, 0.5 + x / half / 2, (y - seam / 2) / (1 - seam))
    pillow = 1.08 - 0.32 * np.abs(x / half + 0.12) ** 3 - 0.12 * np.abs(2 * y - 1) ** 4
    light = pillow + 0.055 * _creases(rng, size, 6) + 0.03 * _creases(rng, size, 13)
    pleats = np.exp(-np.minimum(y, 1 - y) / 0.07) * np.sin(x * 24 + 3 * _creases(rng, size, 3))
    light += 0.13 * pleats
    crimped = (y < seam) | (y > 1 - seam)
    light = np.where(crimped, 0.93 + 0.1 * np.sin(x * 110), light)
    shine = (
        0.32 * np.clip(_creases(rng, size, 5) - 0.9, 0, 1)
        + 0.2 * np.exp(-(((x + 0.62) / 0.08) ** 2)) * bulge**3
    )
    return _image(colour * light[..., None] + 255 * np.where(crimped, 0, shine)[..., None], inside)


def pouch(label: Image, size: tuple[int, int], rng: np.random.Generator) -> Image:
    """Returns a standing pouch: sealed flat at the top, round at its foot."""
    x, y = _grid(size)
    half = 0.94 + 0.06 * np.clip(y * 1.6, 0, 1)
    foot = 1 - 0.03 * x**2
    inside = (np.abs(x) < half) & (y < foot)
    colour = _sample(label, 0.5 + x / half / 2, (y - 0.07) / 0.91)
    light = 1.05 - 0.3 * np.abs(x + 0.1) ** 4 + 0.04 * _creases(rng, size, 5)
    light = np.where(y < 0.07, 0.96 + 0.04 * np.sin(y * 420), light)
    light *= 1 - 0.22 * np.exp(-(((y - 0.9 + 0.07 * (1 - x**2) - 0.06) / 0.012) ** 2))
    shine = 0.22 * np.exp(-(((np.abs(x) - 0.86) / 0.05) ** 2)) * (y > 0.07)
    return _image(colour * light[..., None] + 255 * shine[..., None], inside)
