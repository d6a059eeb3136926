"""Colours as 8-bit RGB triples: from hue, saturation and brightness; lighter, darker, legible on another."""

from __future__ import annotations

import colorsys

Colour = tuple[int, int, int]

WHITE: Colour = (255, 255, 255)
CREAM: Colour = (250, 242, 224)
INK: Colour = (38, 32, 40)


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """Returns the colour of a hue (in turns) with saturation and brightness in 0…1."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """Returns ``a`` with ``share`` (0…1) of ``b`` in it."""
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


def luma(colour: Colour) -> float:
    """Returns the perceived brightness, 0…1 (Rec. 601)."""
    return (0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]) / 255


def ink_on(ground: Colour) -> Colour:
    """Returns white or near-black, whichever is legible on ``ground``."""
    return WHITE if luma(ground) < 0.58 else INK


def apart(a: Colour, b: Colour) -> float:
    """Returns how different two colours look, 0…1: a third brightness, two thirds the largest channel difference."""
    channels = max(abs(x - y) for x, y in zip(a, b, strict=True)) / 255
    return (abs(luma(a) - luma(b)) + 2 * channels) / 3
