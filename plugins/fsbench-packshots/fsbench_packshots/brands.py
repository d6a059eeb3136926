"""The catalogue: brands with a look of their own, their lines, and the products in each line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np

from fsbench_packshots.colours import CREAM, WHITE, Colour, apart, hsv, luma, mix
from fsbench_packshots.kinds import KINDS
from fsbench_packshots.lettering import Lettering
from fsbench_packshots.names import brand_names
from fsbench_packshots.patterns import PATTERNS

BRANDS = {"base": 40, "validation": 10, "novel": 20}
"""Brands of each class split; no brand is in two of them."""

RANGE = 4
"""Products of a brand."""

LINES = ((4,), (2, 2), (3, 1), (2, 1, 1))
"""Ways in which a brand's products divide into lines of one design."""

LAYOUTS = ("top", "middle", "bottom", "side", "crest")
FIELDS = ("band", "sweep", "roundel", "corner", "column", "plate", "base")
EMBLEMS = ("none", "none", "ellipse", "ribbon", "slab", "shield", "lozenge")
PICTURES = ("single", "trio", "heap", "row", "border")
BADGES = ("text", "disc", "burst", "pill")
EDITIONS = ("light", "zero", "bio", "extra", "maxi", "mini")

T = TypeVar("T")


@dataclass(frozen=True)
class Brand:
    """A look: colours, lettering and habits of layout that all packs of the brand share."""

    name: str
    primary: Colour
    second: Colour
    paper: Colour
    lettering: Lettering
    outlined: bool
    emblem: str
    pattern: str
    contrast: float
    """Strength of the pattern, 0…1."""
    field: str
    """Shape of the area that takes the flavour's colour."""
    badge: str


@dataclass(frozen=True)
class Product:
    """One class of the data set; products of one line differ in flavour, edition and size alone."""

    number: int
    split: str
    brand: Brand
    line: int
    kind: str
    form: str
    title: str
    layout: str
    picture: str
    tinted: bool
    """The ground, too, leans towards the flavour's colour."""
    flavour: str
    edition: str
    size: str

    @property
    def name(self) -> str:
        """``brand-product-variant``, unique in a catalogue."""
        variant = f"{self.flavour}-{self.edition}" if self.edition else self.flavour
        return f"{self.brand.name}-{self.title}-{variant}".lower().replace(" ", "_")


@lru_cache(maxsize=8)
def catalogue(seed: int) -> tuple[Product, ...]:
    """Returns all products of ``seed``, brand after brand: base, then validation, then novel."""
    splits = [split for split, count in BRANDS.items() for _ in range(count)]
    names = brand_names(np.random.default_rng([seed, 0]), len(splits))
    products: list[Product] = []
    for number, (name, split) in enumerate(zip(names, splits, strict=True)):
        rng = np.random.default_rng([seed, 1, number])
        products += _range(rng, _brand(rng, name), split, len(products))
    return tuple(products)


@lru_cache(maxsize=24)
def in_split(seed: int, split: str) -> tuple[int, ...]:
    """Returns the numbers of the products of one class split."""
    return tuple(product.number for product in catalogue(seed) if product.split == split)


def pick(rng: np.random.Generator, options: Sequence[T]) -> T:
    """Returns one of ``options``, each as likely."""
    return options[int(rng.integers(len(options)))]


def _brand(rng: np.random.Generator, name: str) -> Brand:
    hue = rng.random()
    primary = hsv(hue, rng.uniform(0.55, 0.98), rng.uniform(0.45, 0.95))
    if rng.random() < 0.15:
        primary = mix(primary, (20, 18, 26), 0.75)
    paper = pick(rng, (WHITE, CREAM, mix(primary, WHITE, 0.88)))
    if rng.random() < 0.25:
        primary, paper = mix(primary, WHITE, 0.86), mix(primary, (16, 16, 30), 0.35)
    second = hsv(
        hue + pick(rng, (0.08, -0.1, 0.42, 0.5, 0.58)), rng.uniform(0.6, 0.95), rng.uniform(0.5, 1.0)
    )
    if apart(primary, second) < 0.3:
        second = mix(second, WHITE if luma(primary) < 0.5 else (20, 20, 40), 0.65)
    lettering = Lettering(
        case=pick(rng, ("upper", "upper", "lower", "title", "title")),
        weight=pick(rng, (0.0, 0.02, 0.04, 0.06, 0.08)),
        width=pick(rng, (0.7, 0.85, 1.0, 1.2)),
        spacing=pick(rng, (-0.02, 0.0, 0.03, 0.12)),
        slant=pick(rng, (0.0, 0.0, 0.0, 0.22, -0.12)),
        bend=pick(rng, (0.0, 0.0, 0.3, 0.45, -0.3)),
        swell=pick(rng, (0.0, 0.0, 0.5, -0.35)),
    )
    return Brand(
        name=name,
        primary=primary,
        second=second,
        paper=paper,
        lettering=lettering,
        outlined=bool(rng.random() < 0.4),
        emblem=pick(rng, EMBLEMS),
        pattern=pick(rng, tuple(PATTERNS)),
        contrast=rng.uniform(0.25, 1.0),
        field=pick(rng, FIELDS),
        badge=pick(rng, BADGES),
    )


def _range(rng: np.random.Generator, brand: Brand, split: str, first: int) -> list[Product]:
    """The products of a brand, numbered from ``first``."""
    lines = pick(rng, LINES)
    kinds = [list(KINDS)[k] for k in rng.permutation(len(KINDS))[: len(lines)]]
    layout, picture = pick(rng, LAYOUTS), pick(rng, PICTURES)
    products: list[Product] = []
    for line, (kind, count) in enumerate(zip(kinds, lines, strict=True)):
        goods = KINDS[kind]
        form, title, size = pick(rng, goods.forms), pick(rng, goods.titles), pick(rng, goods.sizes)
        tinted = bool(rng.random() < 0.35)
        flavours = [goods.flavours[k] for k in rng.permutation(len(goods.flavours))[:count]]
        edited = count > 1 and rng.random() < 0.4
        for k, flavour in enumerate(flavours):
            edition = ""
            if edited and k == count - 1:
                flavour, edition = flavours[0], pick(rng, EDITIONS)
            weight = pick(rng, goods.sizes) if edition in ("maxi", "mini", "extra") else size
            products.append(
                Product(
                    first + len(products), split, brand, line, kind, form, title, layout, picture, tinted,
                    flavour, edition, weight,
                )
            )  # fmt: skip
    return products
