"""The parts of a pack: every look named in the catalogue can be drawn, words fit, what is named is there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fsbench_packshots import brands, emblems, fields, label, layout
from fsbench_packshots.brands import catalogue
from fsbench_packshots.forms import ROUND, SIZES, pack
from fsbench_packshots.ingredients import INGREDIENTS, picture
from fsbench_packshots.kinds import KINDS
from fsbench_packshots.lettering import Lettering, mask
from fsbench_packshots.patterns import PATTERNS, ground
from fsbench_packshots.scene import scene


def test_every_name_in_the_catalogue_has_a_drawing() -> None:
    assert set(brands.LAYOUTS) == set(layout.LAYOUTS)
    assert set(brands.FIELDS) == set(fields.FIELDS)
    assert set(brands.EMBLEMS) == set(emblems.EMBLEMS)
    assert set(brands.PICTURES) == set(label.HEAPS)
    assert set(brands.EDITIONS) == set(label.RIBBONS)
    for kind in KINDS.values():
        assert set(kind.flavours) <= set(INGREDIENTS)
        assert len(set(kind.flavours)) == len(kind.flavours) >= brands.RANGE
        assert set(kind.forms) <= set(SIZES)
    assert set(ROUND) < set(SIZES)


@pytest.mark.parametrize("name", INGREDIENTS)
def test_ingredients_fill_their_square(name: str) -> None:
    alpha = np.asarray(picture(name, 60))[..., 3]
    assert alpha.shape == (60, 60)
    assert 0.15 < (alpha > 0).mean() < 0.95


@pytest.mark.parametrize("name", PATTERNS)
def test_patterns_stay_between_their_colours(name: str) -> None:
    pixels = np.asarray(ground(name, (40, 60), (10, 200, 30), (90, 20, 30))).reshape(-1, 3)
    assert (pixels.min(0) >= (10, 20, 30)).all() and (pixels.max(0) <= (90, 200, 30)).all()
    assert len(np.unique(pixels, axis=0)) > 1


@pytest.mark.parametrize("bend", [-0.4, 0.0, 0.4])
def test_words_fit_their_box(bend: float) -> None:
    for text in ("Ob", "Quomandrell"):
        width, height = mask(text, Lettering(bend=bend, slant=0.2, swell=0.3, width=1.2), (120, 40)).size
        assert width <= 121 and height <= 41
        assert width >= 119 or height >= 39


@pytest.mark.parametrize("form", SIZES)
def test_packs_stand_free_and_fill_their_picture(form: str) -> None:
    product = next(p for p in catalogue(0) if p.form == form)
    front = pack(0, product.number).front
    alpha = np.asarray(front)[..., 3] > 128
    assert front.size == SIZES[form]
    assert alpha.any(axis=0).mean() > 0.9 and alpha.any(axis=1).mean() > 0.9
    assert not alpha[0, 0] or form in ("pouch", "slab", "box")


def test_flavour_edition_and_size_each_change_the_label() -> None:
    product = next(p for p in catalogue(0) if p.edition == "" and p.kind == "cereal")
    plain = label.label(product, (200, 280)).tobytes()
    other = "cocoa" if product.flavour != "cocoa" else "honey"
    for change in ({"flavour": other}, {"edition": "bio"}, {"size": "999 g"}, {"title": "porridge"}):
        assert label.label(replace(product, **change), (200, 280)).tobytes() != plain


@pytest.mark.slow
def test_neighbours_on_a_shelf_are_of_the_same_split(monkeypatch: pytest.MonkeyPatch) -> None:
    """No base or validation picture shows a novel product."""
    from fsbench_packshots import scene as module

    seen: set[str] = set()
    products = catalogue(0)

    def spy(seed: int, number: int):  # type: ignore[no-untyped-def]
        seen.add(products[number].split)
        return pack(seed, number)

    monkeypatch.setattr(module, "pack", spy)
    for number, split in ((0, "base"), (165, "validation"), (279, "novel")):
        seen.clear()
        for k in range(12):
            made = scene(0, number, np.random.default_rng(k))
            left, top, right, bottom = made.place
            assert 0 <= left < right <= made.picture.width and 0 <= top < bottom <= made.picture.height
        assert seen == {split}
