"""Thumbnails: small JPEG pictures, which a recogniser keeps if wanted and a page embeds."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.recogniser.given import Shown

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE, QUALITY, MOST_BYTES = 160, 72, 1 << 16
"""The longer side in pixels, the quality of the JPEG, and the bytes of the largest one that is shown."""


def thumbnail(picture: Image) -> bytes:
    """Returns a picture as a JPEG of at most ``SIDE`` × ``SIDE`` pixels, without metadata."""
    small = picture.convert("RGB")
    small.thumbnail((SIDE, SIDE))
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()


def thumbnail_of(path: Path) -> bytes:
    """Returns the thumbnail of a file; b"" where it is no sound picture."""
    image = Shown(str(path), path).opened()[2]
    return b"" if image is None else thumbnail(image)


def address(jpeg: bytes) -> str:
    """Returns a ``data:`` address of a JPEG; "" where it is none, or too large."""
    if not jpeg.startswith(b"\xff\xd8\xff") or len(jpeg) > MOST_BYTES:
        return ""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"


def packed(thumbnails: tuple[bytes, ...]) -> dict[str, NDArray[np.generic]]:
    """Returns thumbnails as arrays of a file: all bytes, and where each ends."""
    return {
        "thumbnails": np.frombuffer(b"".join(thumbnails), dtype=np.uint8),
        "thumbnail_ends": np.cumsum([len(one) for one in thumbnails], dtype=np.int64),
    }


def unpacked(arrays: dict[str, NDArray[np.generic]]) -> tuple[bytes, ...]:
    """Returns the thumbnails of the arrays of a file, () where it has none; ValueError where they do not fit."""
    if "thumbnails" not in arrays:
        return ()
    data, ends = arrays["thumbnails"].tobytes(), arrays["thumbnail_ends"].tolist()
    if sorted(ends) != ends or (ends and (ends[0] < 0 or ends[-1] != len(data))):
        raise ValueError("its thumbnails do not fit their places")
    return tuple(data[a:b] for a, b in zip([0, *ends], ends, strict=False))
