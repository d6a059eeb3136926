"""The area of a label that takes the flavour's colour: one short function a shape."""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sin
from typing import TYPE_CHECKING, NamedTuple

from fsbench_packshots.colours import CREAM, INK, WHITE, Colour, luma, mix
from fsbench_packshots.layout import Box, Layout, around

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw


class Paint(NamedTuple):
    """What a field is painted with: ``tint`` inside an ``edge`` of ``rim`` pixels, on a label of ``size``."""

    draw: ImageDraw
    size: tuple[int, int]
    tint: Colour
    edge: Colour
    rim: int


def behind(tint: Colour) -> Colour:
    """Returns the flavour's colour, deep or pale enough for a picture of that colour to stand out on it."""
    brightness = luma(tint)
    if brightness < 0.3:
        return mix(tint, CREAM, 0.68)
    return mix(tint, INK, 0.45) if brightness < 0.55 else mix(tint, WHITE, 0.5)


def _sweep(paint: Paint, layout: Layout) -> None:
    """All below a wave."""
    width, height = paint.size
    picture, above = layout.picture, layout.picture.top < height * 0.25
    if above:
        level, swing = layout.flavour.top - 0.035 * height, 0.015 * height
    else:
        level = min(picture.top + 0.35 * picture.height, layout.flavour.top - 0.044 * height)
        swing = 0.05 * height
    for colour, drop in ((paint.edge, 0), (paint.tint, 2 * paint.rim)):
        wave = [(x, level + drop + swing * sin(pi * (1.6 * x / width + 0.1))) for x in range(0, width + 8, 8)]
        paint.draw.polygon([*wave, (width, height), (0, height)], colour)


def _roundel(paint: Paint, layout: Layout) -> None:
    """A disc behind the picture."""
    picture = layout.picture
    r = 0.56 * max(min(picture.width, picture.height), 0.6 * picture.width)
    disc = around(*picture.middle, r, r)
    paint.draw.ellipse(disc, paint.edge)
    paint.draw.ellipse(disc.grown(-paint.rim, -paint.rim), paint.tint)


def _corner(paint: Paint, layout: Layout) -> None:
    """All below a slanting line."""
    width, height = paint.size
    for colour, drop in ((paint.edge, 0), (paint.tint, 2 * paint.rim)):
        corners = [(width, height * 0.28 + drop), (width, height), (0, height), (0, height * 0.78 + drop)]
        paint.draw.polygon(corners, colour)


def _column(paint: Paint, layout: Layout) -> None:
    """An upright stripe through the picture."""
    width, height = paint.size
    stripe = around(layout.picture.middle[0], height / 2, 0.36 * width, height)
    paint.draw.rectangle(stripe.grown(paint.rim, 0), paint.edge)
    paint.draw.rectangle(stripe, paint.tint)


def _plate(paint: Paint, layout: Layout) -> None:
    """A plate under picture and flavour's name together."""
    width, height = paint.size
    a, b = layout.picture, layout.flavour
    both = Box(min(a.left, b.left), min(a.top, b.top), max(a.right, b.right), max(a.bottom, b.bottom))
    plate = both.grown(0.022 * height, 0.022 * height)
    paint.draw.rounded_rectangle(plate, width // 9, paint.edge)
    paint.draw.rounded_rectangle(plate.grown(-paint.rim, -paint.rim), width // 10, paint.tint)


def _base(paint: Paint, layout: Layout) -> None:
    """The lowest fifth."""
    width, height = paint.size
    paint.draw.rectangle((0, height * 0.8, width, height), paint.edge)
    paint.draw.rectangle((0, height * 0.8 + paint.rim, width, height), paint.tint)


def _band(paint: Paint, layout: Layout) -> None:
    """Nothing but the strip that bears the flavour's name."""


FIELDS: dict[str, Callable[[Paint, Layout], None]] = {
    "band": _band,
    "sweep": _sweep,
    "roundel": _roundel,
    "corner": _corner,
    "column": _column,
    "plate": _plate,
    "base": _base,
}


def field(name: str, paint: Paint, layout: Layout, strong: Colour, across: bool) -> Colour:
    """Paints field ``name`` and the plate of the flavour's name; returns the colour under that name.

    The plate has the colour ``strong``; ``across``: that of a ``band`` runs from edge to edge.
    """
    FIELDS[name](paint, layout)
    if name == "plate":
        return paint.tint
    pad, radius = 0.022 * paint.size[1], layout.flavour.height // 2
    plate = layout.flavour.grown(pad, pad)
    if name == "band" and across:
        plate, radius = Box(-paint.rim, plate.top, paint.size[0] + paint.rim, plate.bottom), 0
    paint.draw.rounded_rectangle(plate.grown(paint.rim, paint.rim), radius, paint.edge)
    paint.draw.rounded_rectangle(plate, radius, strong)
    return strong
