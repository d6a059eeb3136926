"""Strokes of small pictures, and the shapes that several ingredients share.

Pictures are lists of strokes in a square from −1 to 1 (y downwards). A stroke is an ellipse
``("o", colour, x, y, rx, ry, tilt)``, a leaf between two points
``("leaf", colour, x0, y0, x1, y1, breadth)``, a polygon ``("poly", colour, x0, y0, …)`` or a line
``("line", colour, width, x0, y0, …)``; tilt in degrees, anticlockwise.
"""

from __future__ import annotations

from itertools import pairwise
from math import cos, pi, sin
from typing import TYPE_CHECKING, Any

from fsbench_packshots.colours import INK, WHITE, Colour, mix

if TYPE_CHECKING:
    from PIL.Image import Image

Stroke = tuple[Any, ...]

GREEN, STEM, BARK = (70, 150, 50), (60, 110, 40), (110, 66, 34)


def gloss(x: float, y: float, r: float, colour: Colour) -> Stroke:
    """Returns where the light falls on something of this colour."""
    return ("o", mix(colour, WHITE, 0.6), x, y, r, r * 0.55, 40)


def slice_of(c: Colour, flesh: Colour | None = None) -> list[Stroke]:
    """Returns a cut citrus fruit before a whole one."""
    flesh = flesh or c
    rim: list[Stroke] = [
        ("o", mix(c, INK, 0.15), -0.3, -0.22, 0.62, 0.62, 0),
        ("o", c, -0.33, -0.27, 0.56, 0.54, 0),
    ]
    rim += [gloss(-0.55, -0.5, 0.16, c), ("leaf", GREEN, -0.3, -0.75, 0.35, -0.95, 0.28)]
    rim += [("o", c, 0.25, 0.25, 0.7, 0.7, 0), ("o", (255, 250, 228), 0.25, 0.25, 0.6, 0.6, 0)]
    for k in range(8):
        a, b = 2 * pi * (k + 0.12) / 8, 2 * pi * (k + 0.88) / 8
        points = [0.25 + 0.1 * cos((a + b) / 2), 0.25 + 0.1 * sin((a + b) / 2)]
        for angle in (a, (a + b) / 2, b):
            points += [0.25 + 0.53 * cos(angle), 0.25 + 0.53 * sin(angle)]
        rim.append(("poly", mix(flesh, WHITE, 0.12), *points))
    return rim


def round_fruit(c: Colour, cheek: Colour | None = None) -> list[Stroke]:
    """Returns an apple, peach or plum with its leaf."""
    return [
        ("o", mix(c, INK, 0.22), 0.04, 0.16, 0.78, 0.76, 0),
        ("o", c, -0.02, 0.12, 0.74, 0.72, 0),
        ("o", cheek or mix(c, WHITE, 0.2), -0.25, 0.0, 0.4, 0.46, 20),
        gloss(-0.34, -0.2, 0.18, c),
        ("line", BARK, 0.1, 0, -0.42, 0.1, -0.85),
        ("leaf", GREEN, 0.06, -0.6, 0.72, -0.86, 0.36),
    ]


def cluster(c: Colour, rows: tuple[int, ...]) -> list[Stroke]:
    """Berries in rows, as grapes hang or blueberries lie."""
    strokes: list[Stroke] = [
        ("line", STEM, 0.08, 0, -0.5, 0.08, -0.95),
        ("leaf", GREEN, 0.05, -0.8, 0.7, -0.8, 0.4),
    ]
    for i, n in enumerate(rows):
        for k in range(n):
            x, y = 0.42 * (k - (n - 1) / 2), -0.42 + 0.36 * i
            strokes += [
                ("o", mix(c, INK, 0.3), x + 0.02, y + 0.03, 0.25, 0.25, 0),
                ("o", mix(c, WHITE, 0.05), x - 0.01, y, 0.22, 0.22, 0),
                gloss(x - 0.08, y - 0.08, 0.08, c),
            ]
    return strokes


def seeds(c: Colour, crease: bool) -> list[Stroke]:
    """Returns three beans, kernels or nuts, with a crease where they have one."""
    strokes: list[Stroke] = []
    for x, y, tilt in ((-0.42, -0.3, 35), (0.42, -0.18, -30), (-0.02, 0.42, 10)):
        strokes += [
            ("o", mix(c, INK, 0.35), x + 0.03, y + 0.05, 0.5, 0.34, tilt),
            ("o", c, x, y, 0.48, 0.32, tilt),
        ]
        strokes.append(gloss(x - 0.14, y - 0.12, 0.14, mix(c, INK, 0.2)))
        if crease:
            dx, dy = 0.4 * cos(tilt * pi / 180), -0.4 * sin(tilt * pi / 180)
            line = (
                x - dx,
                y - dy,
                x - dx / 3,
                y - dy / 3 + 0.06,
                x + dx / 3,
                y + dy / 3 - 0.06,
                x + dx,
                y + dy,
            )
            strokes.append(("line", mix(c, INK, 0.6), 0.07, *line))
    return strokes


def sprig(c: Colour, pairs: int = 3, breadth: float = 0.42) -> list[Stroke]:
    """Leaves in pairs on a stem."""
    strokes: list[Stroke] = [("line", mix(c, INK, 0.3), 0.07, 0, 0.95, 0.03, -0.6)]
    for k in range(pairs):
        y, reach = 0.62 - 0.5 * k, 0.85 - 0.14 * k
        for side in (-1, 1):
            tip = (side * reach, y - 0.42)
            strokes.append(("leaf", mix(c, INK, 0.12 if side > 0 else 0), 0, y, *tip, breadth))
            strokes.append(("line", mix(c, WHITE, 0.4), 0.03, 0, y, tip[0] * 0.8, y - 0.34))
    return [*strokes, ("leaf", mix(c, WHITE, 0.1), 0, -0.35, 0.05, -1, breadth)]


def flower(c: Colour, petals: int, heart: Colour = (246, 196, 54)) -> list[Stroke]:
    """Petals around a heart, on a leaf."""
    strokes: list[Stroke] = [
        ("leaf", GREEN, 0, 0.3, 0.9, 0.85, 0.3),
        ("leaf", GREEN, 0, 0.3, -0.9, 0.85, 0.3),
    ]
    for k in range(petals):
        a = 2 * pi * k / petals - pi / 2
        shade = mix(c, INK, 0.1 * (k % 2))
        strokes.append(("leaf", shade, 0, -0.1, 0.88 * cos(a), -0.1 + 0.82 * sin(a), 4.4 / petals))
    return [
        *strokes,
        ("o", mix(heart, INK, 0.2), 0, -0.08, 0.22, 0.22, 0),
        ("o", heart, 0, -0.1, 0.19, 0.19, 0),
    ]


def drop(c: Colour) -> list[Stroke]:
    """Returns one large drop and two small ones."""
    strokes: list[Stroke] = []
    for x, y, r in ((0.0, 0.2, 0.62), (-0.68, -0.5, 0.24), (0.66, -0.42, 0.28)):
        strokes += [("poly", c, x, y - 1.75 * r, x - 0.86 * r, y - 0.45 * r, x + 0.86 * r, y - 0.45 * r)]
        strokes += [
            ("o", c, x, y, r, r, 0),
            ("o", mix(c, WHITE, 0.65), x - 0.38 * r, y - 0.05 * r, r * 0.32, r * 0.18, 70),
        ]
    return strokes


def ears(c: Colour) -> list[Stroke]:
    """Returns two crossed ears of grain."""
    strokes: list[Stroke] = []
    for side in (-1, 1):
        strokes.append(("line", mix(c, INK, 0.35), 0.06, side * -0.3, 0.95, side * 0.42, -0.85))
        for k in range(6):
            x, y = side * (-0.05 + 0.09 * k), 0.25 - 0.22 * k
            for way in (-1, 1):
                strokes.append(
                    ("leaf", mix(c, INK, 0.14 * (way > 0)), x, y, x + 0.3 * way + 0.06 * side, y - 0.3, 0.5)
                )
    return strokes


def pod(c: Colour, peas: Colour | None = None) -> list[Stroke]:
    """Returns a curved pod: chilli, vanilla, or peas when they show."""
    strokes: list[Stroke] = []
    for dx, dy in ((0.16, 0.2), (-0.06, -0.2)):
        path = [(-0.8 + dx, -0.25 + dy, 0.2), (-0.45 + dx, 0.08 + dy, 0.24), (-0.05 + dx, 0.2 + dy, 0.23)]
        path += [(0.32 + dx, 0.12 + dy, 0.17), (0.6 + dx, -0.06 + dy, 0.1), (0.78 + dx, -0.26 + dy, 0.04)]
        for shade, grow in ((mix(c, INK, 0.3), 1.12), (c, 1.0)):
            for (x0, y0, r0), (x1, y1, r1) in pairwise(path):
                for s in (0, 0.25, 0.5, 0.75):
                    r = (r0 + (r1 - r0) * s) * grow
                    strokes.append(("o", shade, x0 + (x1 - x0) * s, y0 + (y1 - y0) * s, r, r, 0))
        if peas is None:
            strokes += [
                ("line", STEM, 0.14, -0.9 + dx, -0.32 + dy, -0.8 + dx, -0.62 + dy),
                gloss(-0.42 + dx, dy, 0.14, c),
            ]
        else:
            strokes += [("o", peas, x, y - 0.03, r * 0.78, r * 0.78, 0) for x, y, r in path[1:4]]
    return strokes


def render(strokes: list[Stroke], size: int) -> Image:
    """Returns the picture as an RGBA square of ``size`` pixels."""
    from PIL import Image, ImageDraw

    image = Image.new("RGBA", (2 * size, 2 * size))
    draw = ImageDraw.Draw(image)
    for kind, colour, *numbers in strokes:
        if kind == "line":
            width, *points = numbers
            draw.line([size * (1 + 0.95 * v) for v in points], colour, round(width * size), joint="curve")
            continue
        outline = numbers if kind == "poly" else _ellipse(numbers) if kind == "o" else _leaf(numbers)
        draw.polygon([size * (1 + 0.95 * v) for v in outline], colour)
    return image.reduce(2)


def _ellipse(numbers: list[float]) -> list[float]:
    x, y, rx, ry, tilt = numbers
    c, s = cos(tilt * pi / 180), -sin(tilt * pi / 180)
    around = [(rx * cos(pi * k / 16), ry * sin(pi * k / 16)) for k in range(32)]
    return [v for a, b in around for v in (x + c * a - s * b, y + s * a + c * b)]


def _leaf(numbers: list[float]) -> list[float]:
    x0, y0, x1, y1, breadth = numbers
    side = [breadth / 2 * sin(pi * k / 10) for k in range(11)]
    there = [(x0 + (x1 - x0) * k / 10, y0 + (y1 - y0) * k / 10, side[k]) for k in range(11)]
    left = [(x - w * (y1 - y0), y + w * (x1 - x0)) for x, y, w in there]
    right = [(x + w * (y1 - y0), y - w * (x1 - x0)) for x, y, w in reversed(there)]
    return [v for point in left + right for v in point]
