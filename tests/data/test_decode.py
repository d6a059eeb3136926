"""Every kind of picture file decodes to the RGB that a person sees; damaged ones to a sentence."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fewshot_bench.data.decode import decode, eight_bit, open_rgb
from fewshot_bench.errors import FsbenchError

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)
GREY = RNG.integers(0, 256, (5, 7), dtype=np.uint8)
ALPHA = RNG.integers(0, 256, (5, 7), dtype=np.uint8)


def stored(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def seen(data: bytes) -> np.ndarray:
    image = open_rgb(data)
    assert image.mode == "RGB"
    return np.asarray(image).astype(int)


def three(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[..., None], 3, axis=-1).astype(int)


def on_white(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    part = alpha[..., None] / 255
    return colour * part + 255 * (1 - part)


# The stored rows of a picture that is to be seen upright, by EXIF orientation (EXIF 2.3, tag 0x0112).
TURNED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a),
    7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", TURNED)
def test_exif_orientation_is_applied(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(np.ascontiguousarray(TURNED[orientation](COLOUR)))
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    assert np.array_equal(seen(stored(image, kind, exif=exif, **options)), COLOUR)


def test_damaged_exif_leaves_the_picture_readable() -> None:
    assert np.array_equal(seen(stored(Image.fromarray(COLOUR), exif=b"Exif\0\0damaged")), COLOUR)


def test_grey_and_one_bit() -> None:
    assert np.array_equal(seen(stored(Image.fromarray(GREY))), three(GREY))
    bits = GREY > 127
    assert np.array_equal(seen(stored(Image.fromarray(bits))), three(bits * 255))


def test_palette_with_and_without_transparency() -> None:
    image = Image.fromarray(GREY % 4)
    palette = np.array([[255, 0, 0], [0, 128, 0], [0, 0, 64], [9, 9, 9]])
    image.putpalette(palette.astype(np.uint8).tobytes())
    expected = palette[GREY % 4]
    assert np.array_equal(seen(stored(image)), expected)
    expected = np.where((GREY % 4 == 2)[..., None], 255, expected)
    assert np.array_equal(seen(stored(image, transparency=2)), expected)
    assert np.array_equal(seen(stored(image, "GIF", transparency=2)), expected)


def test_alpha_is_laid_on_white() -> None:
    rgba = np.dstack([COLOUR, ALPHA])
    assert np.abs(seen(stored(Image.fromarray(rgba))) - on_white(COLOUR, ALPHA)).max() <= 1
    la = Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(ALPHA)])
    assert np.abs(seen(stored(la)) - on_white(three(GREY), ALPHA)).max() <= 1


def test_a_transparent_grey_value_or_colour_becomes_white() -> None:
    grey = np.array([[0, 100, 200]], dtype=np.uint8)
    assert seen(stored(Image.fromarray(grey), transparency=100))[0, :, 0].tolist() == [0, 255, 200]
    colour = np.array([[[1, 2, 3], [4, 5, 6]]], dtype=np.uint8)
    data = stored(Image.fromarray(colour), transparency=(1, 2, 3))
    assert seen(data).tolist() == [[[255, 255, 255], [4, 5, 6]]]


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])  # Pillow writes CMYK JPEGs inverted, as Adobe does
def test_cmyk(kind: str) -> None:
    ink = np.zeros((16, 16, 4), dtype=np.uint8)
    ink[..., 0] = 255
    options = {"quality": 100} if kind == "JPEG" else {}
    data = stored(Image.fromarray(ink, "CMYK"), kind, **options)
    assert np.abs(seen(data) - np.array([0, 255, 255])).max() <= 3


def test_sixteen_bit_grey_is_scaled_not_clipped() -> None:
    values = np.array([[0, 128, 129, 257, 1000, 32768, 65535]], dtype=np.uint16)
    expected = np.rint(values / 257).astype(int)
    for kind in ("PNG", "TIFF"):
        assert np.array_equal(seen(stored(Image.fromarray(values), kind))[..., 0], expected)
    dark = np.array([[0, 300, 600]], dtype=np.uint16)
    assert seen(stored(Image.fromarray(dark)))[0, :, 0].tolist() == [0, 1, 2]


def test_thirty_two_bit_grey() -> None:
    as_sixteen = np.array([[0, 25700, 65535]], dtype=np.int32)
    assert seen(stored(Image.fromarray(as_sixteen), "TIFF"))[0, :, 0].tolist() == [0, 100, 255]
    wide = np.array([[-1_000_000, 0, 1_000_000]], dtype=np.int32)
    assert seen(stored(Image.fromarray(wide), "TIFF"))[0, :, 0].tolist() == [0, 128, 255]


def test_floating_point_grey() -> None:
    for values, expected in (
        ([0.0, 0.2, 1.0], [0, 51, 255]),
        ([0.0, 51.0, 200.0], [0, 51, 200]),
        ([-1.0, 0.0, 1.0], [0, 128, 255]),
        ([np.nan, 0.2, np.inf], [0, 51, 255]),
    ):
        data = stored(Image.fromarray(np.array([values], dtype=np.float32)), "TIFF")
        assert seen(data)[0, :, 0].tolist() == expected


def test_a_constant_picture_of_odd_range_is_no_division_by_zero() -> None:
    assert eight_bit(np.full((2, 2), -3.0, dtype=np.float32)).tolist() == [[0, 0], [0, 0]]
    assert eight_bit(np.full((1, 1), np.nan, dtype=np.float32)).tolist() == [[0]]


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_the_first_frame_of_an_animation(kind: str) -> None:
    frames = [Image.new("RGB", (6, 4), colour) for colour in ("red", "blue", "white")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = stored(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert np.array_equal(seen(data), np.broadcast_to([255, 0, 0], (4, 6, 3)))


def test_a_file_and_its_bytes_are_the_same_picture(tmp_path: Path) -> None:
    path = tmp_path / "ein Bild.png"
    path.write_bytes(stored(Image.fromarray(COLOUR)))
    assert np.array_equal(np.asarray(open_rgb(path)), seen(path.read_bytes()))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"not a picture at all", "not a picture file"),
        (stored(Image.fromarray(COLOUR))[:-30], "truncated"),
        (stored(Image.fromarray(np.tile(COLOUR, (30, 30, 1))), "JPEG")[:-2000], "truncated"),
    ],
)
def test_a_damaged_file_is_one_sentence(data: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "damaged.jpg"
    path.write_bytes(data)
    with pytest.raises(FsbenchError, match=reason) as caught:
        open_rgb(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(FsbenchError, match=r"none\.png cannot be read \(No such file"):
        open_rgb(tmp_path / "none.png")


def test_a_decompression_bomb_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(FsbenchError, match=r"bomb\.png does not decode \(too large: .*35 pixels"):
        open_rgb(stored(Image.fromarray(COLOUR)), "bomb.png")


KINDS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")
WHOLE = {kind: stored(Image.fromarray(COLOUR), kind) for kind in KINDS}


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow says what it finds odd
@settings(max_examples=150, deadline=None)
@given(st.sampled_from(KINDS), st.data())
def test_whatever_is_damaged_gives_a_picture_or_a_reason(kind: str, data: st.DataObject) -> None:
    whole = bytearray(WHOLE[kind])
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    reason, image = decode(bytes(whole[: data.draw(st.integers(0, len(whole)))]))
    assert (image is None) == bool(reason)
