"""Grounds of labels: a scalar field over the unit square, blended between two colours."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fsbench_packshots.colours import Colour

if TYPE_CHECKING:
    from PIL.Image import Image

Field = NDArray[np.floating[Any]]


def _step(field: Field, sharpness: float = 12.0) -> Field:
    """0…1 with a soft edge where ``field`` changes sign."""
    step: Field = np.clip(0.5 + field * sharpness, 0, 1)
    return step


PATTERNS: dict[str, Callable[[Field, Field], Field]] = {
    "plain": lambda u, v: 0.25 * v,
    "fade": lambda u, v: v,
    "glow": lambda u, v: np.hypot(u - 0.5, v - 0.6) * 1.3,
    "rays": lambda u, v: _step(np.sin(np.arctan2(v - 0.62, u - 0.5) * 11), 4),
    "stripes": lambda u, v: _step(np.sin((u + v) * 34), 3),
    "pinstripes": lambda u, v: _step(np.cos(u * 63) - 0.55, 3),
    "bands": lambda u, v: _step(np.sin(v * 30 + 1), 3),
    "dots": lambda u, v: _step(np.cos(u * 38) + np.cos(v * 38) - 0.9, 3),
    "checks": lambda u, v: _step(np.sin(u * 25) * np.sin(v * 25), 8),
    "waves": lambda u, v: _step(np.sin(v * 34 + 1.6 * np.sin(u * 9)), 3),
    "chevrons": lambda u, v: _step(np.sin((v + np.abs(u - 0.5)) * 38), 3),
    "rings": lambda u, v: _step(np.sin(np.hypot(u - 0.5, v - 0.6) * 40), 3),
    "halves": lambda u, v: _step(v - 0.52 - 0.06 * np.sin(u * 5)),
    "diagonal": lambda u, v: _step(v - 0.95 + 0.75 * u),
    "swoosh": lambda u, v: _step(np.hypot(u + 0.15, v - 1.1) - 0.82) * (0.6 + 0.4 * v),
}


def ground(name: str, size: tuple[int, int], colour: Colour, other: Colour) -> Image:
    """Returns an RGB picture of ``size`` (width, height): pattern ``name`` from ``colour`` to ``other``."""
    from PIL import Image

    width, height = size
    v, u = np.mgrid[0:height, 0:width].astype(np.float32)
    share = np.clip(PATTERNS[name](u / width, v / max(width, height)), 0, 1)[..., None]
    first, second = np.array(colour, np.float32), np.array(other, np.float32)
    return Image.fromarray((first + (second - first) * share + 0.5).astype(np.uint8))
