"""What the flavours look like: a colour and a small picture each (strokes as in ``strokes.py``)."""

from __future__ import annotations

from functools import lru_cache
from math import cos, pi, sin
from typing import TYPE_CHECKING

from fsbench_packshots.colours import INK, WHITE, Colour, mix
from fsbench_packshots.strokes import (
    BARK,
    GREEN,
    STEM,
    Stroke,
    cluster,
    drop,
    ears,
    flower,
    gloss,
    pod,
    render,
    round_fruit,
    seeds,
    slice_of,
    sprig,
)

if TYPE_CHECKING:
    from PIL.Image import Image

CHERRY: list[Stroke] = [
    ("line", STEM, 0.07, -0.42, 0.3, -0.2, -0.4, 0.2, -0.9, 0.35, -0.4, 0.45, 0.2),
    ("leaf", GREEN, 0.2, -0.88, 0.95, -0.6, 0.4),
    *(s for x, y in ((-0.42, 0.42), (0.46, 0.34)) for s in (
        ("o", (130, 8, 30), x + 0.03, y + 0.04, 0.46, 0.46, 0), ("o", (206, 22, 52), x, y, 0.42, 0.42, 0),
        gloss(x - 0.14, y - 0.16, 0.13, (206, 22, 52)))),
]  # fmt: skip
STRAWBERRY: list[Stroke] = [
    ("poly", (222, 34, 48), -0.78, -0.3, -0.5, -0.6, 0.5, -0.6, 0.78, -0.3, 0.6, 0.3, 0, 0.98, -0.6, 0.3),
    ("o", (222, 34, 48), -0.38, -0.22, 0.42, 0.42, 0), ("o", (222, 34, 48), 0.38, -0.22, 0.42, 0.42, 0),
    *(("o", (252, 214, 110), x, y, 0.05, 0.08, 0) for x, y in (
        (-0.45, -0.2), (0, -0.15), (0.45, -0.2), (-0.28, 0.15), (0.26, 0.15), (0, 0.45), (-0.2, 0.6),
        (0.2, 0.55))),
    *(("leaf", GREEN, 0, -0.6, x, y, 0.4) for x, y in (
        (-0.75, -0.5), (0.75, -0.5), (-0.4, -0.95), (0.4, -0.95), (0, -0.2))),
]  # fmt: skip
BANANA: list[Stroke] = [
    *(("o", c, 0.75 * cos(a) - 0.02, -0.35 + 0.95 * sin(a) + dy, r, r, 0)
      for c, dy, k in (((200, 150, 20), 0.04, 1.1), ((252, 214, 52), 0, 1.0))
      for a, r in ((0.2 + 0.09 * i, k * (0.08 + 0.2 * sin(pi * i / 30) ** 0.6)) for i in range(31))),
    ("line", BARK, 0.12, 0.72, -0.2, 0.74, -0.45),
]  # fmt: skip
KIWI: list[Stroke] = [
    ("o", (112, 84, 48), 0, 0, 0.86, 0.8, 0), ("o", (140, 198, 62), 0, 0, 0.78, 0.72, 0),
    ("o", (236, 240, 196), 0, 0, 0.26, 0.22, 0),
    *(("o", INK, 0.42 * cos(2 * pi * k / 14), 0.38 * sin(2 * pi * k / 14), 0.045, 0.06, 90 - k * 360 / 14)
      for k in range(14)),
]  # fmt: skip
CARROT: list[Stroke] = [
    *(("leaf", GREEN, 0.4, -0.4, x, y, 0.34) for x, y in ((0.95, -0.5), (0.85, -0.95), (0.4, -1))),
    ("poly", (240, 124, 28), 0.12, -0.52, 0.56, -0.12, -0.1, 0.6, -0.85, 0.92, -0.52, 0.2),
    ("o", (240, 124, 28), 0.32, -0.3, 0.3, 0.3, 0),
    *(("line", (198, 88, 12), 0.04, x, y, x + 0.22, y + 0.16)
      for x, y in ((-0.05, -0.2), (-0.3, 0.15), (-0.5, 0.45))),
]  # fmt: skip
MUSHROOM: list[Stroke] = [
    ("poly", (244, 232, 210), -0.26, 0.0, 0.26, 0.0, 0.34, 0.85, -0.34, 0.85),
    ("o", (226, 208, 180), 0, 0.84, 0.34, 0.12, 0),
    ("o", (150, 104, 70), 0, -0.2, 0.88, 0.66, 0), ("o", (226, 204, 174), 0, 0.12, 0.84, 0.26, 0),
    ("o", (206, 178, 146), 0, 0.14, 0.66, 0.18, 0), gloss(-0.3, -0.55, 0.2, (150, 104, 70)),
]  # fmt: skip
CHEESE: list[Stroke] = [
    ("poly", (226, 162, 28), -0.95, 0.2, 0.95, 0.2, 0.95, 0.8, -0.95, 0.8),
    ("poly", (252, 206, 72), -0.95, 0.2, 0.35, -0.65, 0.95, 0.2),
    *(("o", (204, 138, 16), x, y, r, r * 0.8, 0)
      for x, y, r in ((-0.5, 0.5, 0.16), (0.15, 0.42, 0.12), (0.6, 0.6, 0.17))),
    ("o", (228, 172, 40), 0.3, -0.15, 0.16, 0.09, 0),
]  # fmt: skip
HONEY: list[Stroke] = [
    *(("poly", c, *(v for k in range(6) for v in (x + r * cos(pi * k / 3), y + r * sin(pi * k / 3))))
      for x, y in ((-0.45, -0.5), (-0.45, 0.3), (0.25, -0.1), (0.25, 0.7))
      for c, r in (((186, 110, 8), 0.45), ((248, 180, 40), 0.37))),
    ("o", (255, 226, 140), 0.15, -0.25, 0.12, 0.07, 30),
]  # fmt: skip
COCONUT: list[Stroke] = [
    ("o", (92, 58, 34), 0, 0.05, 0.9, 0.86, 0), ("o", (250, 248, 240), 0, -0.05, 0.76, 0.66, 0),
    ("o", (222, 218, 206), 0, -0.02, 0.55, 0.44, 0), ("leaf", GREEN, 0.3, -0.7, 0.98, -0.95, 0.4),
]  # fmt: skip
MELON: list[Stroke] = [
    *(("poly", c, *(v for k in range(13) for v in (r * cos(pi * k / 12), -0.3 + r * sin(pi * k / 12))))
      for c, r in (((44, 128, 60), 0.98), ((214, 240, 190), 0.86), ((240, 74, 84), 0.78))),
    *(("o", INK, x, y, 0.05, 0.08, 0)
      for x, y in ((-0.4, -0.1), (0, 0.0), (0.4, -0.1), (-0.2, 0.2), (0.2, 0.2))),
]  # fmt: skip
ONION: list[Stroke] = [
    *(("leaf", GREEN, 0, -0.4, x, -0.98, 0.3) for x in (-0.25, 0.05, 0.3)),
    ("o", (116, 34, 92), 0, 0.2, 0.8, 0.7, 0), ("o", (160, 62, 130), -0.04, 0.18, 0.7, 0.62, 0),
    ("o", (236, 208, 230), 0.0, 0.2, 0.5, 0.5, 0), ("o", (160, 62, 130), 0.0, 0.2, 0.36, 0.38, 0),
    ("o", (236, 208, 230), 0.0, 0.2, 0.24, 0.26, 0),
]  # fmt: skip
LAVENDER: list[Stroke] = [
    s for x, lean in ((-0.45, -0.3), (0.05, 0.02), (0.5, 0.32)) for s in (
        ("line", GREEN, 0.06, 0.1 * x, 0.98, x, -0.2),
        *(("o", mix((138, 104, 200), WHITE, 0.15 * (k % 2)), x + lean * 0.08 * k + 0.11 * (k % 2 - 0.5),
           0.1 - 0.2 * k, 0.16 - 0.012 * k, 0.13, 20) for k in range(6)))
]  # fmt: skip

INGREDIENTS: dict[str, tuple[Colour, list[Stroke]]] = {
    "lemon": ((240, 204, 36), slice_of((248, 216, 50))),
    "orange": ((240, 134, 24), slice_of((246, 150, 30))),
    "lime": ((122, 182, 40), slice_of((132, 194, 48))),
    "grapefruit": ((234, 100, 90), slice_of((244, 170, 80), (236, 92, 92))),
    "apple": ((128, 178, 44), round_fruit((150, 200, 56))),
    "peach": ((246, 152, 96), round_fruit((250, 176, 96), (240, 112, 84))),
    "plum": ((104, 48, 128), round_fruit((116, 54, 138))),
    "tomato": ((212, 48, 34), round_fruit((224, 54, 38))),
    "mango": ((244, 166, 34), round_fruit((250, 184, 44), (230, 96, 50))),
    "cherry": ((190, 20, 50), CHERRY),
    "strawberry": ((216, 36, 56), STRAWBERRY),
    "grape": ((110, 52, 140), cluster((122, 60, 152), (4, 3, 2, 1))),
    "blueberry": ((62, 84, 168), cluster((74, 96, 180), (2, 3, 4))),
    "currant": ((170, 16, 40), cluster((204, 26, 48), (3, 2, 2, 1))),
    "banana": ((246, 206, 52), BANANA),
    "kiwi": ((128, 178, 56), KIWI),
    "melon": ((232, 84, 92), MELON),
    "coconut": ((198, 176, 146), COCONUT),
    "carrot": ((236, 124, 32), CARROT),
    "mushroom": ((150, 110, 78), MUSHROOM),
    "cheese": ((244, 190, 58), CHEESE),
    "onion": ((140, 54, 112), ONION),
    "chilli": ((204, 32, 28), pod((216, 38, 32))),
    "vanilla": ((234, 214, 160), flower((255, 248, 222), 6)),
    "pea": ((98, 166, 60), pod((104, 172, 64), (160, 210, 90))),
    "mint": ((56, 166, 116), sprig((66, 176, 120))),
    "basil": ((74, 140, 58), sprig((84, 154, 64), 2, 0.6)),
    "tea": ((108, 142, 70), sprig((112, 150, 70), 3, 0.28)),
    "lavender": ((136, 106, 196), LAVENDER),
    "rose": ((226, 96, 134), flower((232, 104, 142), 9)),
    "daisy": ((240, 190, 60), flower((255, 255, 250), 12)),
    "ocean": ((40, 136, 196), drop((52, 152, 214))),
    "honey": ((232, 162, 34), HONEY),
    "wheat": ((206, 164, 84), ears((226, 180, 92))),
    "coffee": ((96, 60, 38), seeds((112, 70, 44), True)),
    "cocoa": ((84, 46, 34), seeds((126, 66, 40), False)),
    "almond": ((190, 140, 92), seeds((204, 152, 102), True)),
    "hazelnut": ((160, 106, 58), seeds((178, 120, 68), False)),
}
"""Name -> (the colour that a pack of this flavour takes, strokes)."""


@lru_cache(maxsize=256)
def picture(name: str, size: int) -> Image:
    """Returns the ingredient as an RGBA square of ``size`` pixels; shared, so not to be drawn on."""
    return render(INGREDIENTS[name][1], size)


@lru_cache(maxsize=256)
def glow(name: str, size: int) -> Image:
    """Returns a soft ``L`` mask a little larger than ``picture(name, size)``: what lifts it off its ground."""
    from PIL import Image, ImageFilter

    margin = max(3, size // 10)
    mask = Image.new("L", (size + 2 * margin, size + 2 * margin))
    mask.paste(picture(name, size).getchannel("A"), (margin, margin))
    soft = mask.filter(ImageFilter.BoxBlur(margin / 2))
    return soft.point([min(215, 3 * v) for v in range(256)])
