"""The flat label of a product: ground, flavour's field, picture, brand's name, words, badge and ribbon."""

from __future__ import annotations

from math import cos, pi, sin
from typing import TYPE_CHECKING

from fsbench_packshots.brands import Product
from fsbench_packshots.colours import INK, WHITE, Colour, apart, ink_on, luma, mix
from fsbench_packshots.emblems import EMBLEMS, Sign
from fsbench_packshots.fields import Paint, behind, field
from fsbench_packshots.ingredients import INGREDIENTS, glow, picture
from fsbench_packshots.layout import LAYOUTS, Box, Layout, around
from fsbench_packshots.lettering import PLAIN, SMALL, place
from fsbench_packshots.patterns import ground

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

RIBBONS: dict[str, Colour] = {
    "light": (96, 190, 232),
    "zero": (24, 24, 30),
    "bio": (88, 160, 54),
    "extra": (214, 30, 40),
    "maxi": (240, 188, 40),
    "mini": (236, 110, 170),
}

HEAPS: dict[str, tuple[tuple[float, float, float], ...]] = {
    "single": ((0, 0, 1),),
    "trio": ((-0.3, 0.14, 0.6), (0.3, 0.14, 0.6), (0, -0.1, 0.74)),
    "heap": ((-0.2, -0.2, 0.46), (0.2, -0.2, 0.46), (-0.32, 0.22, 0.46), (0.32, 0.22, 0.46), (0, 0.16, 0.46)),
    "row": ((-0.34, 0, 0.52), (0.34, 0.02, 0.52), (0, 0, 0.52)),
    "border": ((-0.42, 0.3, 0.5), (0.42, 0.3, 0.5), (-0.42, -0.3, 0.4), (0.42, -0.3, 0.4), (0, 0.05, 0.72)),
}
"""How ingredients are grouped: x (in widths of the place), y and size (in its shorter side) of each."""


def accent(product: Product) -> Colour:
    """Returns the colour that stands for the flavour, paler for a light edition."""
    colour = INGREDIENTS[product.flavour][0]
    return mix(colour, WHITE, 0.45) if product.edition in ("light", "zero") else colour


def body(product: Product) -> Colour:
    """Returns the colour of the ground: the brand's, leaning towards the flavour's on tinted lines."""
    return mix(product.brand.primary, accent(product), 0.65) if product.tinted else product.brand.primary


def label(product: Product, size: tuple[int, int], span: float = 1.0) -> Image:
    """Returns the label as an RGB picture of ``size`` (width, height) in pixels.

    What is to be read stands within the middle ``span`` of the width: on a round pack the rest turns away.
    """
    from PIL import ImageDraw

    brand, layout = product.brand, LAYOUTS[product.layout].on(size, span)
    other = brand.second if brand.contrast > 0.7 else brand.paper
    page = ground(brand.pattern, size, body(product), mix(body(product), other, 0.2 + 0.45 * brand.contrast))
    draw, tint = ImageDraw.Draw(page), behind(accent(product))
    edge = brand.paper if apart(brand.paper, tint) > 0.25 else mix(tint, INK, 0.5)
    paint = Paint(draw, size, tint, edge, max(2, size[0] // 60))
    under_name = field(brand.field, paint, layout, accent(product), across=product.layout != "side")
    _pictures(page, product, layout.picture)
    _logo(page, draw, product, layout.logo)
    place(page, product.flavour, PLAIN, ink_on(under_name), layout.flavour.rounded())
    place(page, product.title, SMALL, ink_on(_under(page, layout.title)), layout.title.rounded())
    _badge(page, draw, product, layout)
    if product.edition:
        _ribbon(page, product, round((1 - span) * size[0] / 2))
    return page


def _under(page: Image, box: Box) -> Colour:
    """The mean colour of a part of the page."""
    red, green, blue = (band.resize((1, 1)).tobytes()[0] for band in page.crop(box.rounded()).split())
    return red, green, blue


def _pictures(page: Image, product: Product, box: Box) -> None:
    """The flavour's ingredient, once or several times, each lifted off its ground by a glow."""
    (cx, cy), side = box.middle, min(box.width, box.height)
    for x, y, share in HEAPS[product.picture]:
        one = picture(product.flavour, max(8, round(side * share)))
        halo = glow(product.flavour, one.width)
        for colour, stencil in ((product.brand.paper, halo), (one, one)):
            half = stencil.width / 2
            page.paste(colour, (round(cx + x * box.width - half), round(cy + y * side - half)), stencil)


def _logo(page: Image, draw: ImageDraw, product: Product, box: Box) -> None:
    """The brand's name on its emblem, upright on a ``side`` layout."""
    from PIL import Image

    brand, upright = product.brand, product.layout == "side"
    end = box.right + 0.12 * box.width if upright else page.width
    EMBLEMS[brand.emblem](Sign(draw, box, brand.second, brand.paper, end))
    under = body(product) if brand.emblem == "none" else brand.second
    choice = (brand.paper, brand.second, ink_on(under))
    letters = max(choice, key=lambda colour: 2 * abs(luma(colour) - luma(under)) + apart(colour, under))
    edge = None
    if brand.outlined or brand.emblem == "none":
        edge = mix(letters, (0, 0, 0), 0.75) if luma(letters) > 0.5 else WHITE
    if not upright:
        place(page, brand.name, brand.lettering, letters, box.rounded(), edge)
        return
    turned = page.crop(box.rounded()).transpose(Image.Transpose.ROTATE_270)
    place(turned, brand.name, brand.lettering, letters, (0, 0, *turned.size), edge)
    page.paste(turned.transpose(Image.Transpose.ROTATE_90), box.rounded())


def _badge(page: Image, draw: ImageDraw, product: Product, layout: Layout) -> None:
    """The size of the pack, on the brand's shape of badge."""
    brand, (cx, cy), r = product.brand, layout.badge, 0.11 * page.width
    fill = brand.second if apart(brand.second, accent(product)) > 0.3 else brand.paper
    if brand.badge == "disc":
        draw.ellipse(around(cx, cy, r, r), fill)
    elif brand.badge == "burst":
        spikes = [(1.25 * r if k % 2 else r, pi * k / 14) for k in range(28)]
        draw.polygon([(cx + reach * cos(angle), cy + reach * sin(angle)) for reach, angle in spikes], fill)
    elif brand.badge == "pill":
        draw.rounded_rectangle(around(cx, cy, 1.25 * r, 0.55 * r), r / 2, fill)
    else:
        fill = _under(page, around(cx, cy, r, r / 2))
    place(page, product.size, SMALL, ink_on(fill), around(cx, cy, 0.85 * r, 0.42 * r).rounded())


def _ribbon(page: Image, product: Product, left: int) -> None:
    """The edition on a ribbon, away from the brand's name: across a left corner, or level on ``side``."""
    from PIL import Image

    tint = RIBBONS[product.edition]
    length, breadth = round(page.width * 0.62), max(8, round(page.width * 0.13))
    strip = Image.new("RGBA", (length, breadth), (*tint, 255))
    words = Box(length / 4, breadth / 7, 3 * length / 4, breadth * 6 / 7)
    place(strip, product.edition, PLAIN, ink_on(tint), words.rounded())
    if product.layout == "side":
        level = strip.crop((length // 5, 0, 4 * length // 5, breadth))
        page.paste(level, (round(0.48 * page.width), round(0.3 * page.height)))
        return
    above = product.layout in ("middle", "bottom")
    strip = strip.rotate(38 if above else -38, Image.Resampling.BICUBIC, expand=True)
    top = -strip.height // 6 if above else page.height - strip.height * 5 // 6
    page.paste(strip, (left - strip.width // 5, top), strip)
