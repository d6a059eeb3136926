"""Decoding: any picture file becomes the 8-bit RGB image that a person sees in a viewer.

EXIF orientation is applied; transparency is laid on white; grey of 16 or 32 bits is scaled to 8, not
clipped; of an animation the first frame counts. Colour profiles are not applied.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from fewshot_bench.data.memory import BUDGET, MAX_BYTES, MAX_PIXELS, PER_PIXEL, bands, max_pixels
from fewshot_bench.errors import FsbenchError, printable
from fewshot_bench.files import read_regular

FORMATS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
"""File name endings (lower case) that a scan of a folder takes for pictures."""


NO_MEMORY = "not enough memory"
"""The reason why a picture does not decode now, and may on another day."""


def open_rgb(source: Path | bytes, name: str = "") -> Image.Image:
    """Returns the picture of a file, or of the bytes of a file (``name`` is then used in the message), as RGB.

    Raises FsbenchError when it cannot be read or does not decode to its last row.
    """
    where = name or (str(source) if isinstance(source, Path) else "the image")
    with BUDGET.held():
        try:
            data = read_regular(source, MAX_BYTES) if isinstance(source, Path) else source
        except OSError as error:
            raise FsbenchError(
                f"{printable(where)} cannot be read ({error.strerror}): check the path and its permissions."
            ) from error
        reason, image = decode(data)
    if image is None:
        raise FsbenchError(f"{printable(where)} does not decode ({reason}): replace or remove the file.")
    return image


def decode(data: bytes) -> tuple[str, Image.Image | None]:
    """Returns ("", picture) for the bytes of a file, or (reason, None) when they do not decode.

    A picture of more than ``memory.max_pixels`` is not decoded; one that takes much memory waits until others are
    done with theirs.
    """
    most = max_pixels()
    if most > MAX_PIXELS and most > 2 * (Image.MAX_IMAGE_PIXELS or most):
        Image.MAX_IMAGE_PIXELS = most  # asked for by FSBENCH_MAX_PIXELS: Pillow refuses twice its own number
    try:
        with BUDGET.held(), Image.open(io.BytesIO(data)) as image:
            pixels = image.width * image.height
            if pixels > most:
                return f"too large: {pixels:,} pixels, and FSBENCH_MAX_PIXELS is {most:,}", None
            BUDGET.take(len(data) + PER_PIXEL * pixels)
            image.load()
            return "", to_rgb(image)
    except MemoryError:
        return NO_MEMORY, None
    except UnidentifiedImageError:
        return ("empty file" if not data else "not a picture file"), None
    except Image.DecompressionBombError as error:
        return f"too large: {str(error).split(',')[0]}", None
    except Exception as error:  # decoders raise nearly anything on damaged input, and all of it means that
        return printable(" ".join(str(error).split())) or type(error).__name__, None


def to_rgb(image: Image.Image) -> Image.Image:
    """Returns a loaded picture of any mode, upright and as 8-bit RGB; the picture itself may be turned in place."""
    upright(image)
    if image.mode == "F" or image.mode.startswith("I"):
        return grey_bands(image).convert("RGB")
    if image.has_transparency_data:
        return on_white(image)
    return image.convert("RGB")


def upright(image: Image.Image) -> None:
    """Turns the picture as its EXIF orientation says, and leaves it when the EXIF data is damaged."""
    with contextlib.suppress(
        Exception
    ):  # a viewer shows such a picture too: metadata alone makes none unreadable
        ImageOps.exif_transpose(image, in_place=True)


def on_white(image: Image.Image) -> Image.Image:
    """Returns a picture with transparency laid on white, as RGB."""
    made = Image.new("RGB", image.size)
    for top, end in bands(*image.size):
        layer = image.crop((0, top, image.width, end)).convert("RGBA")
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        made.paste(Image.alpha_composite(white, layer).convert("RGB"), (0, top))
    return made


def grey_bands(image: Image.Image) -> Image.Image:
    """Returns a grey picture of 16 or 32 bits, or in floating point, with 8 bits (mode L); see ``eight_bit``."""

    def parts() -> Iterator[tuple[int, NDArray[Any]]]:
        for top, end in bands(*image.size):
            yield top, np.asarray(image.crop((0, top, image.width, end)))

    start, end = span(extent(part) for _, part in parts())
    made = Image.new("L", image.size)
    for top, part in parts():
        made.paste(Image.fromarray(scaled(part, start, end)), (0, top))
    return made


def eight_bit(grey: NDArray[Any]) -> NDArray[np.uint8]:
    """Returns grey values of 16 or 32 bits, or in floating point, scaled to uint8.

    Integers span 0…65535 and floats 0…1 or 0…255 where their values fit. Other values are stretched from their
    lowest to their highest finite value, as viewers do.
    """
    return scaled(grey, *span([extent(grey)]))


def extent(grey: NDArray[Any]) -> tuple[str, float, float]:
    """Returns the kind of a type ("i", "u", "f") and the lowest and highest finite value (infinities: none)."""
    finite = grey[np.isfinite(grey)]
    if not finite.size:
        return grey.dtype.kind, float("inf"), float("-inf")
    return grey.dtype.kind, float(finite.min()), float(finite.max())


def span(extents: Iterable[tuple[str, float, float]]) -> tuple[float, float]:
    """Returns the values that become 0 and 255, from the extents of all parts of a picture."""
    kinds, lows, highs = zip(*extents, strict=True)
    low, high = (min(lows), max(highs)) if min(lows) <= max(highs) else (0.0, 0.0)
    ranges = (65535.0,) if kinds[0] in "iu" else (1.0, 255.0)
    fitting = [(0.0, top) for top in ranges if low >= 0 and high <= top]
    return fitting[0] if fitting else (low, high)


def scaled(grey: NDArray[Any], start: float, end: float) -> NDArray[np.uint8]:
    """Returns the values from ``start`` to ``end`` as 0 to 255, rounded; those beyond are cut off, NaN is 0."""
    values = (grey.astype(np.float64) - start) / max(end - start, np.finfo(float).tiny)
    shown = np.nan_to_num(values, nan=0.0, posinf=1.0, neginf=0.0).clip(0, 1)
    result: NDArray[np.uint8] = np.rint(255 * shown).astype(np.uint8)
    return result
