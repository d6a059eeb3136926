"""From product to pack: which body each form of pack has, how large it is, and its cached picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from fsbench_packshots import folded
from fsbench_packshots.brands import Product, catalogue
from fsbench_packshots.colours import INK, WHITE, Colour, mix
from fsbench_packshots.label import accent, body, label
from fsbench_packshots.lathe import Skin, Turned, turn

if TYPE_CHECKING:
    from PIL.Image import Image

SIZES: dict[str, tuple[int, int]] = {
    "box": (150, 206),
    "slab": (200, 140),
    "carton": (112, 214),
    "can": (96, 172),
    "tin": (122, 150),
    "jar": (120, 164),
    "bottle": (92, 222),
    "flask": (108, 214),
    "tub": (136, 134),
    "tube": (86, 206),
    "bag": (156, 208),
    "pouch": (142, 204),
}
"""Width and height in pixels of a pack's picture; on a shelf all stand at this one scale."""

STEEL: Colour = (196, 200, 206)

ROUND: dict[str, Turned] = {
    "can": Turned(
        profile=((0, 0.8), (0.05, 0.99), (0.1, 1), (0.94, 1), (1, 0.84)),
        label=(0.05, 0.95), curve=0.024, gloss=0.55,
    ),
    "tin": Turned(
        profile=((0, 0.98), (0.03, 1), (0.05, 0.97), (0.95, 0.97), (0.97, 1), (1, 0.98)),
        label=(0.05, 0.95), curve=0.04, gloss=0.25, ribs=0.035,
    ),
    "jar": Turned(
        profile=((0, 0.86), (0.16, 0.86), (0.2, 0.84), (0.27, 1), (0.95, 1), (1, 0.92)),
        label=(0.33, 0.9), curve=0.034, gloss=0.5,
    ),
    "bottle": Turned(
        profile=(
            (0, 0.3), (0.075, 0.3), (0.09, 0.25), (0.13, 0.26), (0.3, 0.9), (0.36, 1),
            (0.5, 0.97), (0.7, 0.97), (0.84, 1), (0.97, 0.98), (1, 0.86),
        ),
        label=(0.4, 0.8), curve=0.018, gloss=0.5,
    ),
    "flask": Turned(
        profile=(
            (0, 0.44), (0.13, 0.46), (0.15, 0.4), (0.18, 0.55), (0.24, 0.92),
            (0.32, 1), (0.96, 0.95), (1, 0.86),
        ),
        label=(0.27, 0.95), curve=0.018, gloss=0.3,
    ),
    "tub": Turned(
        profile=((0, 1), (0.06, 1), (0.065, 0.95), (0.12, 0.94), (1, 0.74)),
        label=(0.1, 0.97), curve=0.045, gloss=0.25,
    ),
    "tube": Turned(
        profile=((0, 1), (0.06, 1), (0.12, 0.99), (0.84, 0.78), (0.86, 0.6), (1, 0.58)),
        label=(0.06, 0.85), curve=0.012, gloss=0.3,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Pack:
    """A clean picture: ``front`` RGBA; ``shadow``, an ``L`` mask ``margin`` pixels larger on every side."""

    front: Image
    shadow: Image
    margin: int


@lru_cache(maxsize=384)
def pack(seed: int, number: int) -> Pack:
    """Returns the pack of one product, drawn once while the cache holds it; shared, so not to be drawn on."""
    from PIL import Image, ImageFilter

    product = catalogue(seed)[number]
    front = _draw(product, np.random.default_rng([seed, 2, number]))
    margin = 10
    shadow = Image.new("L", (front.width + 2 * margin, front.height + 2 * margin))
    shadow.paste(front.getchannel("A").point([v * 5 // 8 for v in range(256)]), (margin, margin))
    return Pack(front, shadow.filter(ImageFilter.BoxBlur(5)).filter(ImageFilter.BoxBlur(4)), margin)


def _draw(product: Product, rng: np.random.Generator) -> Image:
    """Drawn at twice the size and reduced, which smooths every edge."""
    width, height = SIZES[product.form]
    size = (2 * width, 2 * height)
    ground, tint = body(product), accent(product)
    if product.form in ROUND:
        turned = ROUND[product.form]
        top, bottom = turned.label
        art = label(product, (round(size[0] * 1.1), round(size[1] * (bottom - top))), span=0.76)
        skins, lid = _skins(product, ground, tint)
        picture = turn(turned, art, skins, lid, size)
    elif product.form in ("box", "slab"):
        art = label(product, (round(size[0] * 0.88), round(size[1] * 0.95)))
        picture = folded.box(art, size, 0.12 if product.brand.contrast > 0.5 else -0.12)
    elif product.form == "carton":
        art = label(product, (round(size[0] * 0.8), round(size[1] * 0.8)))
        picture = folded.carton(art, size, mix(ground, WHITE, 0.15), tint)
    else:
        art = label(product, (round(size[0] * 0.98), round(size[1] * 0.95)))
        picture = (folded.bag if product.form == "bag" else folded.pouch)(art, size, rng)
    return picture.reduce(2)


def _skins(product: Product, ground: Colour, tint: Colour) -> tuple[list[Skin], Colour]:
    """What shows of a round pack above and below its label, and the colour of its lid."""
    (top, bottom), cap = ROUND[product.form].label, product.brand.second
    if product.form in ("can", "tin"):
        return [(0, top, STEEL), (bottom, 1, STEEL)], mix(STEEL, WHITE, 0.2)
    if product.form == "jar":
        return [(0, 0.165, cap), (0.165, top, mix(tint, INK, 0.25)), (bottom, 1, mix(tint, INK, 0.4))], cap
    if product.form == "bottle":
        drink = mix(tint, INK, 0.1)
        return [
            (0, 0.08, cap),
            (0.08, 0.13, mix(drink, WHITE, 0.5)),
            (0.13, top, drink),
            (bottom, 1, drink),
        ], cap
    if product.form == "flask":
        return [(0, 0.14, cap), (0.14, top, ground), (bottom, 1, ground)], cap
    if product.form == "tub":
        return [(0, top, mix(tint, WHITE, 0.3)), (bottom, 1, product.brand.paper)], mix(tint, WHITE, 0.55)
    return [(0, top, mix(ground, WHITE, 0.15)), (bottom, 1, cap)], mix(ground, WHITE, 0.3)
