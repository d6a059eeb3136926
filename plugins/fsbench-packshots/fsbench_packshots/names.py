"""Invented brand names, syllable by syllable."""

from __future__ import annotations

import numpy as np

_FIRST = (
    "Bra",
    "Cor",
    "Del",
    "Dro",
    "Fa",
    "Fen",
    "Gal",
    "Glo",
    "Hu",
    "Jo",
    "Ka",
    "Kel",
    "Lo",
    "Lum",
    "Ma",
    "Mir",
    "Na",
    "Nor",
    "O",
    "Par",
    "Plu",
    "Quo",
    "Ri",
    "Sal",
    "Sko",
    "Ta",
    "Tri",
    "U",
    "Va",
    "Vel",
    "Wim",
    "Yo",
    "Za",
    "Zel",
    "Ost",
    "Bel",
    "Cru",
    "Fjo",
    "Gri",
    "Mo",
    "Pim",
    "Ru",
    "Sni",
    "Tol",
    "Wen",
)
_MIDDLE = ("", "", "", "la", "mo", "ri", "ve", "du", "ne", "po", "sa", "gu", "ti")
_LAST = (
    "bo",
    "dell",
    "dra",
    "fel",
    "gano",
    "ka",
    "kin",
    "lix",
    "lo",
    "lund",
    "mand",
    "mio",
    "nato",
    "nova",
    "pel",
    "quin",
    "rra",
    "ska",
    "sso",
    "tavo",
    "tta",
    "vik",
    "vo",
    "wick",
    "xa",
    "zel",
    "zo",
    "ppy",
    "bby",
    "nk",
    "mba",
    "dro",
    "lino",
    "rell",
)


def brand_names(rng: np.random.Generator, count: int) -> list[str]:
    """Returns ``count`` different invented names of 4 to 9 letters."""
    names: dict[str, None] = {}
    while len(names) < count:
        parts = (_FIRST, _MIDDLE, _LAST)
        name = "".join(syllables[int(rng.integers(len(syllables)))] for syllables in parts)
        if 4 <= len(name) <= 9:
            names[name] = None
    return list(names)
