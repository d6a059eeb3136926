"""Round packs: a label wrapped around a turned body seen slightly from above, with metal, glass and lid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fsbench_packshots.colours import Colour

if TYPE_CHECKING:
    from PIL.Image import Image

Floats = NDArray[np.floating[Any]]

Skin = tuple[float, float, Colour]
"""From and to which height (0 top, 1 bottom) the body has a plain colour."""


@dataclass(frozen=True)
class Turned:
    """A round body: ``profile`` of (height, radius) from top (0) to bottom (1), radius in half widths."""

    profile: tuple[tuple[float, float], ...]
    label: tuple[float, float]
    """From and to which height the label runs."""
    curve: float
    """How much of the height the front of a horizontal edge sags: the camera's height."""
    gloss: float
    ribs: float = 0.0
    """Depth of horizontal corrugations."""


def turn(body: Turned, label: Image, skins: Sequence[Skin], lid: Colour, size: tuple[int, int]) -> Image:
    """Returns the pack as RGBA of ``size`` (width, height); ``skins`` colour what the label leaves bare."""
    from PIL import Image

    width, height = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = (y + 0.5) / height, (2 * x + 1) / width - 1
    heights, radii = zip(*body.profile, strict=True)
    radius = np.interp((y[:, 0] - body.curve) / (1 - 2 * body.curve), heights, radii).astype(np.float32)[
        :, None
    ]
    across = np.clip(x / radius, -1, 1)
    sag = np.sqrt(1 - across**2) * body.curve * radius
    v = (y - body.curve - sag) / (1 - 2 * body.curve)
    inside = (np.abs(x) < radius) & (v >= 0) & (v < 1)
    colour = _texture(body, np.asarray(label), across, v)
    for top, bottom, skin in skins:
        colour[(v >= top) & (v < bottom)] = skin
    shade = _shade(across, body.gloss)
    if body.ribs:
        shade *= (1 + body.ribs * np.sin(v * 150) * (np.abs(v - 0.5) < 0.36))[..., None]
    colour = colour * shade + 255 * body.gloss * _shine(across)
    top_radius = radii[0]
    cap = ((x / top_radius) ** 2 + ((y - body.curve) / (body.curve * top_radius)) ** 2 < 1) & (v < 0)
    rim = (x / top_radius) ** 2 * 1.2 + ((y - body.curve) / (body.curve * top_radius * 0.82)) ** 2 < 1
    colour[cap] = (
        np.array(lid, np.float32) * np.where(rim, 0.93, 1.08)[cap][:, None] * (1 + 0.12 * x[cap][:, None])
    )
    alpha = np.where(inside | cap, 255, 0)[..., None]
    return Image.fromarray(np.concatenate([np.clip(colour, 0, 255), alpha], axis=2).astype(np.uint8))


def _texture(body: Turned, label: NDArray[np.uint8], across: Floats, v: Floats) -> Floats:
    """The label seen on the front half of the body."""
    top, bottom = body.label
    u = 0.5 + np.arcsin(across) / np.pi
    rows = ((v - top) / (bottom - top) * label.shape[0]).astype(int).clip(0, label.shape[0] - 1)
    columns = (u * label.shape[1]).astype(int).clip(0, label.shape[1] - 1)
    seen: Floats = label[rows, columns].astype(np.float32)
    return seen


def _shade(across: Floats, gloss: float) -> Floats:
    """Light from the upper left on a round body, with a darker right side and a reflection at its rim."""
    light = 1.06 - 0.3 * np.clip(across + 0.25, 0, 2) ** 2 - 0.55 * np.abs(across + 0.1) ** 5
    light += 0.25 * gloss * np.exp(-(((across - 0.92) / 0.05) ** 2))
    return np.asarray(light, np.float32)[..., None]


def _shine(across: Floats) -> Floats:
    """The window's reflection: a bright stripe on the left and a faint one on the right."""
    stripe = 0.55 * np.exp(-(((across + 0.58) / 0.1) ** 2)) + 0.18 * np.exp(-(((across - 0.55) / 0.07) ** 2))
    return np.asarray(stripe, np.float32)[..., None]
