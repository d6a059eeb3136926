"""Decoding: any picture file becomes the 8-bit RGB image that a person sees in a viewer.

EXIF orientation is applied; transparency is laid on white; grey of 16 or 32 bits is scaled to 8, not
clipped; of an animation the first frame counts. Colour profiles are not applied.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from fewshot_bench.errors import FsbenchError

FORMATS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
"""File name endings (lower case) that a scan of a folder takes for pictures."""


def open_rgb(source: Path | bytes, name: str = "") -> Image.Image:
    """Returns the picture of a file, or of the bytes of a file (``name`` is then used in the message), as RGB.

    Raises FsbenchError when it cannot be read or does not decode to its last row.
    """
    where = name or (str(source) if isinstance(source, Path) else "the image")
    try:
        data = source.read_bytes() if isinstance(source, Path) else source
    except OSError as error:
        raise FsbenchError(
            f"{where} cannot be read ({error.strerror}): check the path and its permissions."
        ) from error
    reason, image = decode(data)
    if image is None:
        raise FsbenchError(f"{where} does not decode ({reason}): replace or remove the file.")
    return image


def decode(data: bytes) -> tuple[str, Image.Image | None]:
    """Returns ("", picture) for the bytes of a file, or (reason, None) when they do not decode."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            return "", to_rgb(image)
    except UnidentifiedImageError:
        return ("empty file" if not data else "not a picture file"), None
    except Image.DecompressionBombError as error:
        return f"too large: {str(error).split(',')[0]}", None
    except Exception as error:  # decoders raise nearly anything on damaged input, and all of it means that
        return str(error) or type(error).__name__, None


def to_rgb(image: Image.Image) -> Image.Image:
    """Returns a loaded picture of any mode, upright and as 8-bit RGB."""
    image = upright(image)
    if image.mode == "F" or image.mode.startswith("I"):
        return Image.fromarray(eight_bit(np.asarray(image))).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")


def upright(image: Image.Image) -> Image.Image:
    """Returns the picture turned as its EXIF orientation says, and unchanged when the EXIF data is damaged."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a viewer shows such a picture too: metadata alone makes none unreadable
        return image


def eight_bit(grey: NDArray[Any]) -> NDArray[np.uint8]:
    """Returns grey values of 16 or 32 bits, or in floating point, scaled to uint8.

    Integers span 0…65535 and floats 0…1 or 0…255 where their values fit. Other values are stretched from their
    lowest to their highest finite value, as viewers do.
    """
    values = grey.astype(np.float64)
    finite = np.isfinite(values)
    low, high = (values[finite].min(), values[finite].max()) if finite.any() else (0.0, 0.0)
    ranges = (65535.0,) if grey.dtype.kind in "iu" else (1.0, 255.0)
    fitting = [(0.0, top) for top in ranges if low >= 0 and high <= top]
    start, end = fitting[0] if fitting else (low, high)
    scaled = (values - start) / max(end - start, np.finfo(float).tiny)
    shown = np.nan_to_num(scaled, nan=0.0, posinf=1.0, neginf=0.0).clip(0, 1)
    result: NDArray[np.uint8] = np.rint(255 * shown).astype(np.uint8)
    return result
