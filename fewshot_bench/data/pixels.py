"""Pictures of one class with equal pixels, whatever their files are: one saved twice, or again with other tags."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fewshot_bench.data.groups import same_content
from fewshot_bench.data.memory import bands
from fewshot_bench.data.once import of_each, of_index
from fewshot_bench.data.scan import Scan

if TYPE_CHECKING:
    from fewshot_bench.data.build import Readable
    from fewshot_bench.data.index import ImageIndex

_KIND = "pixels 1"


def pixel_digest(image: Image.Image) -> bytes:
    """Returns the sha256 of the size and the values of an RGB picture."""
    sha = hashlib.sha256(f"{image.size}\n".encode())
    for top, end in bands(*image.size):
        sha.update(image.crop((0, top, image.width, end)).tobytes())
    return sha.digest()


def pixel_digests(index: ImageIndex, scan: Scan) -> NDArray[np.uint8]:
    """Returns uint8 [M, 32], the pixel digests of the pictures of an index."""
    return np.frombuffer(b"".join(of_index(index, scan, _KIND, pixel_digest)), dtype=np.uint8).reshape(-1, 32)


def same_pixels(readable: Readable, scan: Scan) -> list[tuple[int, int]]:
    """Returns links (pairs of row numbers) between pictures of one class that are equal pixel by pixel."""
    table = b"".join(of_each(readable, scan, _KIND, pixel_digest))
    digests = np.frombuffer(table, dtype=np.uint8).reshape(-1, 32)
    number: dict[str, int] = {}
    labels = np.array([number.setdefault(row.label, len(number)) for row in readable.rows], dtype=np.int64)
    return same_content(digests, labels)[0]
