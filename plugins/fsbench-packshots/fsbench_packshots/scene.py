"""A stretch of shelf with one product in the middle: neighbours, board, price rail, light from above."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from fsbench_packshots.brands import RANGE, catalogue, in_split, pick
from fsbench_packshots.colours import Colour, mix
from fsbench_packshots.forms import Pack, pack
from fsbench_packshots.lettering import PLAIN, mask

if TYPE_CHECKING:
    from PIL.Image import Image

HEIGHT, BOARD = 344, 268
"""Height of a scene, and where its packs stand, in pixels from the top."""

BACKS: tuple[Colour, ...] = (
    (120, 122, 128),
    (176, 174, 170),
    (230, 226, 218),
    (150, 126, 104),
    (252, 252, 255),
    (255, 255, 250),
)
BOARDS: tuple[Colour, ...] = (
    (226, 226, 228),
    (188, 190, 194),
    (148, 112, 78),
    (104, 106, 112),
    (206, 196, 178),
)
RAILS: tuple[Colour, ...] = (
    (240, 240, 238),
    (206, 32, 38),
    (34, 78, 150),
    (248, 204, 40),
    (44, 128, 72),
    (90, 92, 98),
)


@dataclass(frozen=True)
class Scene:
    """``picture`` RGB, and where in it the product is: left, top, right, bottom."""

    picture: Image
    place: tuple[int, int, int, int]


def scene(seed: int, number: int, rng: np.random.Generator) -> Scene:
    """Returns a shelf around product ``number``; every choice is drawn from ``rng``."""
    from PIL import Image

    target = pack(seed, number)
    width = target.front.width + 2 * 115
    column = _column(int(rng.integers(len(BACKS))), int(rng.integers(len(BOARDS))))
    picture = column.resize((width, HEIGHT), Image.Resampling.NEAREST)
    left = (width - target.front.width) // 2
    right = left + target.front.width
    picture = _depth(picture, seed, number, rng)
    _row(picture, seed, number, left, right, rng)
    lift = int(rng.integers(0, 5))
    _stand(picture, target, left, BOARD - lift)
    if rng.random() < 0.45:
        _overlap(picture, seed, number, left, right, rng)
    _rail(picture, pick(rng, RAILS), rng)
    if rng.random() < 0.14:
        _wobbler(picture, left, right, target.front.height, rng)
    return Scene(picture, (left, BOARD - lift - target.front.height, right, BOARD - lift))


@lru_cache(maxsize=len(BACKS) * len(BOARDS))
def _column(back: int, board: int) -> Image:
    """One pixel's width of a bare shelf: panel, the shadow of the shelf above it, board."""
    from PIL import Image

    y = np.arange(HEIGHT, dtype=np.float32)[:, None]
    light = 0.62 + 0.4 * np.clip(y / BOARD, 0, 1) - 0.45 * np.exp(-y / 26)
    panel = np.array(BACKS[back], np.float32) * light
    depth = np.clip((y - BOARD + 12) / 24, 0, 1)
    panel = np.where(y > BOARD - 12, np.array(BOARDS[board], np.float32) * (0.75 + 0.5 * depth), panel)
    return Image.fromarray(panel.clip(0, 255).astype(np.uint8)[:, None])


def _neighbour(seed: int, number: int, rng: np.random.Generator) -> int:
    """The same product again, another of its brand, or one of any brand of its class split."""
    products = catalogue(seed)
    chance = rng.random()
    if chance < 0.2:
        return number
    if chance < 0.65:
        first = number - number % RANGE
        return first + int(rng.integers(RANGE))
    return pick(rng, in_split(seed, products[number].split))


def _stand(picture: Image, one: Pack, left: int, ground: int) -> None:
    """Set a pack on the shelf, with its shadow on what is behind it."""
    top = ground - one.front.height
    picture.paste((12, 10, 14), (left - one.margin + 2, top - one.margin + 3), one.shadow)
    picture.paste(one.front, (left, top), one.front)


def _depth(picture: Image, seed: int, number: int, rng: np.random.Generator) -> Image:
    """The second row, in the shade of the first: what shows in its gaps."""
    x = int(rng.integers(-90, 0))
    while x < picture.width and rng.random() < 0.9:
        one = pack(seed, _neighbour(seed, number, rng))
        picture.paste(one.front, (x, BOARD - 16 - one.front.height), one.front)
        x += one.front.width + int(rng.integers(2, 30))
    shade = rng.uniform(0.32, 0.62)
    return picture.point([int(v * shade) for v in range(256)] * 3)


def _row(picture: Image, seed: int, number: int, left: int, right: int, rng: np.random.Generator) -> None:
    """Fill the shelf to the left of ``left`` and to the right of ``right``."""
    for side in (-1, 1):
        x = left if side < 0 else right
        other = _neighbour(seed, number, rng)
        while 0 < x < picture.width:
            one = pack(seed, other)
            x += side * int(rng.integers(1, 9))
            at = x - one.front.width if side < 0 else x
            _stand(picture, one, at, BOARD - int(rng.integers(0, 7)))
            x += side * one.front.width
            if rng.random() < 0.5:
                other = _neighbour(seed, number, rng)


def _overlap(picture: Image, seed: int, number: int, left: int, right: int, rng: np.random.Generator) -> None:
    """A neighbour that stands in front of a part of the product, at most a fifth of its width."""
    one = pack(seed, _neighbour(seed, number, rng))
    hidden = round((right - left) * rng.uniform(0.05, 0.2))
    at = left + hidden - one.front.width if rng.random() < 0.5 else right - hidden
    _stand(picture, one, at, BOARD + int(rng.integers(2, 8)))


def _rail(picture: Image, colour: Colour, rng: np.random.Generator) -> None:
    """The front edge of the shelf with its price tags."""
    top = BOARD + int(rng.integers(1, 10))
    picture.paste(mix(colour, (0, 0, 0), 0.35), (0, top, picture.width, top + 3))
    picture.paste(colour, (0, top + 3, picture.width, HEIGHT))
    x = int(rng.integers(-40, 40))
    while x < picture.width:
        tag = _tag(int(rng.integers(24)))
        picture.paste(tag, (x, top + int(rng.integers(5, 10))))
        x += tag.width + int(rng.integers(20, 110))


@lru_cache(maxsize=24)
def _tag(number: int) -> Image:
    """A price tag: price, bar code, lines of small print; every fourth on yellow."""
    from PIL import Image, ImageDraw

    rng = np.random.default_rng([3, number])
    tag = Image.new("RGB", (92, 46), (252, 222, 64) if number % 4 == 0 else (250, 250, 246))
    draw = ImageDraw.Draw(tag)
    price = mask(f"{rng.integers(0, 9)}.{rng.integers(0, 10)}9", PLAIN, (46, 24))
    tag.paste((190, 20, 30) if number % 4 == 0 else (24, 24, 28), (40, 6), price)
    x = 6
    while x < 34:
        bar = int(rng.integers(1, 3))
        draw.rectangle((x, 8, x + bar - 1, 26), (24, 24, 28))
        x += bar + int(rng.integers(1, 3))
    for y in (32, 36, 40):
        draw.line((6, y, int(rng.integers(50, 86)), y), (120, 120, 124))
    return tag


def _wobbler(picture: Image, left: int, right: int, height: int, rng: np.random.Generator) -> None:
    """A round price sign that hangs into the picture near a lower corner of the product."""
    from PIL import ImageDraw

    r = int(rng.integers(18, 27))
    x = (left if rng.random() < 0.5 else right) + int(rng.integers(-8, 9))
    y = BOARD - int(rng.integers(0, max(1, height // 3)))
    colour = pick(rng, ((222, 30, 40), (250, 208, 30), (240, 120, 20)))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((x - r, y - r, x + r, y + r), mix(colour, (255, 255, 255), 0.75))
    draw.ellipse((x - r + 2, y - r + 2, x + r - 2, y + r - 2), colour)
    text = mask(f"-{int(rng.integers(1, 6))}0%", PLAIN, (round(1.5 * r), r))
    picture.paste((255, 255, 255), (x - text.width // 2, y - text.height // 2), text)
