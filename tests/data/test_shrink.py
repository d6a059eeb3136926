"""Pictures made small in whole numbers: against fractions, and beside Pillow."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from fewshot_bench.data.shrink import Filter, bilinear, box, shrink

PILLOW = {box: Image.Resampling.BOX, bilinear: Image.Resampling.BILINEAR}


def weight(x: Fraction, kind: Filter) -> Fraction:
    """The filter at x, in output pixels."""
    return Fraction(-Fraction(1, 2) < x <= Fraction(1, 2)) if kind is box else max(Fraction(0), 1 - abs(x))


def row(values: list[int], wanted: int, kind: Filter) -> list[int]:
    """The definition, one value at a time, rounded half up."""
    size, found = len(values), []
    scale = Fraction(size, wanted)
    for i in range(wanted):
        centre = (i + Fraction(1, 2)) * scale
        parts = [weight((j + Fraction(1, 2) - centre) / max(scale, Fraction(1)), kind) for j in range(size)]
        mean = sum(p * v for p, v in zip(parts, values, strict=True)) / sum(parts)
        found.append(floor(mean + Fraction(1, 2)))
    return found


def slow(pixels: NDArray[np.uint8], width: int, height: int, kind: Filter) -> list[list[int]]:
    """Rows first, then columns."""
    rows = [row(list(map(int, line)), width, kind) for line in pixels]
    columns = [row([line[x] for line in rows], height, kind) for x in range(width)]
    return [[column[y] for column in columns] for y in range(height)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", [box, bilinear])
@settings(deadline=None, max_examples=40)
@given(height=st.integers(1, 23), width=st.integers(1, 23), seed=st.integers(0, 99))
def test_the_values_are_those_of_fractions(kind: Filter, height: int, width: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    assert shrink(pixels, 9, 8, kind).tolist() == slow(pixels, 9, 8, kind)


@pytest.mark.parametrize("kind", [box, bilinear])
@pytest.mark.parametrize("shape", [(16, 16), (50, 31), (200, 301), (3, 700)])
def test_pillow_is_at_most_one_apart(kind: Filter, shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    theirs = np.asarray(Image.fromarray(pixels).resize((16, 12), PILLOW[kind]), dtype=int)
    assert np.abs(shrink(pixels, 16, 12, kind) - theirs).max() <= 1
