"""Lettering of contact sheets: names in any script, in a font of this machine that has their letters."""

from __future__ import annotations

import textwrap
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

FONTS = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "LiberationSans-Regular.ttf",
    "Arial Unicode.ttf",
    "Arial.ttf",
    "arial.ttf",
    "segoeui.ttf",
    "NotoSansCJK-Regular.ttc",
    "PingFang.ttc",
    "msyh.ttc",
    "NotoSansArabic-Regular.ttf",
    "NotoSansDevanagari-Regular.ttf",
)
"""Fonts of the system that are tried when Pillow's own, which is ASCII, lacks a letter."""

INK, FAINT = (24, 24, 24), (120, 120, 120)


def write(
    sheet: Image, text: str, place: tuple[int, int], size: int, colour: tuple[int, int, int] = INK
) -> None:
    """Writes a line with its left middle at ``place`` (pixels), ``size`` pixels high."""
    from PIL import ImageDraw

    font, shown = lettering(text, size)
    ImageDraw.Draw(sheet).text(place, shown, fill=colour, font=font, anchor="lm")


def write_block(sheet: Image, text: str, box: tuple[int, int, int, int], size: int) -> None:
    """Writes a text in the middle of the height of ``box`` (left, top, right, bottom), wrapped and cut off to fit."""
    left, top, right, bottom = box
    font, shown = lettering(text, size)
    step = size + size // 4
    limit = max(1, (bottom - top) // step)
    lines = wrap(shown, font, right - left)
    if len(lines) > limit:
        lines = [*lines[: limit - 1], f"{lines[limit - 1][:-1].rstrip()}..."]
    start = (top + bottom) // 2 - step * (len(lines) - 1) // 2
    for number, line in enumerate(lines):
        write(sheet, line, (left, start + number * step), size)


def wrap(text: str, font: Any, width: int) -> list[str]:
    """Returns the lines of a text that are at most ``width`` pixels wide and hold at least a letter.

    Words are broken when they are wider.
    """
    for letters in range(max(1, len(text)), 0, -1):
        lines = textwrap.wrap(text, letters)
        if all(font.getlength(line) <= width for line in lines):
            return lines
    return textwrap.wrap(text, 1)


def lettering(text: str, size: int) -> tuple[Any, str]:
    r"""Returns a font and the text that it writes, with codes such as \u4e2d for letters that no font has.

    Letters are tried without their accents before they become codes.
    """
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    fonts = [default_font(size)]
    if not text.isascii():
        fonts += [font for name in FONTS if (font := system_font(name, size))]
    best = min(fonts, key=lambda font: sum(not has_letter(font, letter) for letter in text))
    return best, "".join(letter if has_letter(best, letter) else _plain(letter) for letter in text)


def _plain(letter: str) -> str:
    """Returns a letter in ASCII: without its accents, or as its code."""
    bare = "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
    return bare if bare.isascii() and bare else letter.encode("ascii", "backslashreplace").decode()


@cache
def default_font(size: int) -> Any:
    """Returns Pillow's own font."""
    from PIL import ImageFont

    return ImageFont.load_default(size)


@cache
def system_font(name: str, size: int) -> Any:
    """Returns a font of the system by its file name, or None when it is not here."""
    from PIL import ImageFont

    try:
        return ImageFont.truetype(name, size)
    except OSError:
        return None


@cache
def has_letter(font: Any, letter: str) -> bool:
    """Returns whether a font draws a letter as something else than its sign for missing ones."""
    if letter.isspace():
        return True
    return bytes(font.getmask(letter)) != bytes(font.getmask("\U0010fffe"))
