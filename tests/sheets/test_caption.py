"""Lettering: every script as letters where a font has them, as codes where none has."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fewshot_bench.sheets import caption
from fewshot_bench.sheets.caption import default_font, has_letter, lettering, wrap, write_block


@pytest.fixture
def no_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any font of its own."""
    monkeypatch.setattr(caption, "FONTS", ())


def test_ascii_is_written_in_pillows_own_font() -> None:
    assert lettering("Reese's 100 %", 13) == (default_font(13), "Reese's 100 %")


@pytest.mark.usefixtures("no_fonts")
def test_without_fonts_letters_lose_accents_or_become_codes() -> None:
    assert lettering("Crème brûlée", 13)[1] == "Creme brulee"
    assert lettering("牛 ok", 13)[1] == "\\u725b ok"
    assert lettering("a\x00\n\u202eb", 13)[1] == "a   b"


@pytest.mark.slow
@given(st.text(max_size=40))
def test_whatever_is_written_has_a_sign(text: str) -> None:
    font, shown = lettering(text, 13)
    assert all(has_letter(font, letter) for letter in shown)


@settings(deadline=None)
@given(st.text(st.characters(codec="ascii", min_codepoint=32), max_size=80), st.integers(20, 200))
def test_lines_fit_and_lose_no_letter(text: str, width: int) -> None:
    font = default_font(13)
    lines = wrap(text, font, width)
    assert all(font.getlength(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_a_block_stays_in_its_box() -> None:
    sheet = Image.new("RGB", (200, 100), "white")
    write_block(sheet, "a very long name of a product " * 9, (20, 20, 120, 80), 13)
    dark = np.asarray(sheet).min(axis=2) < 200
    rows, columns = np.nonzero(dark)
    assert dark.any() and rows.min() >= 20 and rows.max() < 80 and columns.min() >= 18 and columns.max() < 122
