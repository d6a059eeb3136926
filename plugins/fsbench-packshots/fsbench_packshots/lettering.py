"""Words as a brand letters them: one font (the one inside Pillow), bent, slanted, fattened and stretched."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from fsbench_packshots.colours import Colour

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

_SIZE = 64
"""Height in pixels at which letters are drawn before they are fitted into their place."""


@dataclass(frozen=True)
class Lettering:
    """How a word is written; lengths in letter heights."""

    case: str = "upper"
    """``upper``, ``lower`` or ``title``."""
    weight: float = 0.03
    """Added thickness of the strokes."""
    width: float = 1.0
    """Horizontal stretch."""
    spacing: float = 0.02
    """Added distance between letters."""
    slant: float = 0.0
    bend: float = 0.0
    """How far the ends of the word lie below (or, negative, above) its middle."""
    swell: float = 0.0
    """How much taller the word is at its ends (or, negative, smaller)."""

    def write(self, text: str) -> str:
        """Returns ``text`` in this case."""
        return {"upper": str.upper, "lower": str.lower, "title": str.title}[self.case](text)


PLAIN = Lettering(case="upper", weight=0.03, spacing=0.05)
SMALL = Lettering(case="lower", weight=0.012)


@lru_cache(maxsize=1)
def _font() -> FreeTypeFont:
    from PIL import ImageFont

    font = ImageFont.load_default(_SIZE)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise OSError("this build of Pillow lacks FreeType: install the Pillow wheel from PyPI")
    return font.font_variant(layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=512)
def mask(text: str, lettering: Lettering, box: tuple[int, int], grow: float = 0.0) -> Image:
    """Returns the word as large as fits in ``box`` (width, height): an ``L`` mask, shared, so not to be drawn on.

    ``grow`` thickens every stroke on all sides, in letter heights: the mask of an outline.
    """
    from PIL import Image, ImageDraw

    font, text = _font(), lettering.write(text)
    stroke, margin = round(_SIZE * (lettering.weight + grow)), round(_SIZE * 0.25)
    advances = [
        font.getlength(letter) + _SIZE * (lettering.spacing + 1.4 * lettering.weight) for letter in text
    ]
    page = Image.new("L", (round(sum(advances)) + 2 * margin, 2 * _SIZE))
    draw, x = ImageDraw.Draw(page), float(margin)
    for letter, advance in zip(text, advances, strict=True):
        draw.text((round(x), round(1.3 * _SIZE)), letter, 255, font, anchor="ls", stroke_width=stroke)
        x += advance
    page = page.crop((0, round(0.3 * _SIZE), page.width, round(1.75 * _SIZE)))
    page = _warp(page, lettering)
    ink = page.getbbox() or (0, 0, 1, 1)
    page = page.crop(ink)
    scale = min(box[0] / (page.width * lettering.width), box[1] / page.height)
    size = (max(1, round(page.width * lettering.width * scale)), max(1, round(page.height * scale)))
    return page.resize(size, Image.Resampling.BOX if scale < 0.6 else Image.Resampling.BILINEAR)


def _warp(page: Image, lettering: Lettering) -> Image:
    from PIL import Image

    if not (lettering.slant or lettering.bend or lettering.swell):
        return page
    source = np.asarray(page)
    height, width = source.shape
    pad = round(_SIZE * (abs(lettering.bend) + abs(lettering.swell) / 2)) + 2
    lean = round(abs(lettering.slant) * height / 2) + 1
    y, x = np.mgrid[-pad : height + pad, -lean : width + lean].astype(np.float32)
    across = (2 * x / width - 1) ** 2
    scale = 1 + lettering.swell * across
    base = height * 0.7
    from_y = (y - base - lettering.bend * _SIZE * across) / scale + base
    from_x = x + lettering.slant * (y - height / 2)
    rows, columns = np.rint(from_y).astype(int), np.rint(from_x).astype(int)
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    bent = np.where(inside, source[rows.clip(0, height - 1), columns.clip(0, width - 1)], 0)
    return Image.fromarray(bent.astype(np.uint8))


def place(
    image: Image,
    text: str,
    lettering: Lettering,
    colour: Colour,
    box: tuple[int, int, int, int],
    edge: Colour | None = None,
) -> None:
    """Writes ``text`` in the middle of ``box`` (left, top, right, bottom), with an outline of ``edge``."""
    left, top, right, bottom = box
    width, height = max(4, right - left), max(4, bottom - top)
    if edge is not None:
        _stamp(image, mask(text, lettering, (width, height), 0.07), edge, box)
        width, height = width - width // 14, height - height // 9
    _stamp(image, mask(text, lettering, (width, height)), colour, box)


def _stamp(image: Image, shape: Image, colour: Colour, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    image.paste(colour, ((left + right - shape.width) // 2, (top + bottom - shape.height) // 2), shape)
