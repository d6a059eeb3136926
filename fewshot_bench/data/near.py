"""Near-duplicates: pictures of one class so alike that one in support gives the other away as a query.

Two pictures are near-duplicates when their 64-bit difference hashes differ in at most 6 bits and the
mean absolute difference of their 16×16 RGB thumbnails is below 0.05 (of 1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fewshot_bench.data.once import of_each
from fewshot_bench.data.scan import Scan

if TYPE_CHECKING:
    from fewshot_bench.data.build import Readable

HASH_BITS = 6
THUMBNAIL_DIFFERENCE = 0.05
_KIND = "signature 1"
_HASH_BYTES, _THUMBNAIL_BYTES = 8, 16 * 16 * 3


def signature(image: Image.Image) -> bytes:
    """776 bytes of an RGB picture: difference hash (9×8 grey, bilinear) and 16×16 thumbnail (box)."""
    grey = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.BILINEAR))
    thumbnail = np.asarray(image.resize((16, 16), Image.Resampling.BOX), dtype=np.uint8)
    return np.packbits(grey[:, 1:] > grey[:, :-1]).tobytes() + thumbnail.tobytes()


def signatures(readable: Readable, scan: Scan) -> NDArray[np.uint8]:
    """uint8 [M, 776]: each picture's signature, worked out once in the life of its content."""
    table = b"".join(of_each(readable, scan, _KIND, signature))
    return np.frombuffer(table, dtype=np.uint8).reshape(-1, _HASH_BYTES + _THUMBNAIL_BYTES)


def near_duplicates(signed: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Pairs int64 [P, 2] of rows i < j of ``signed [M, 776]`` that are near-duplicates."""
    hashes = np.unpackbits(signed[:, :_HASH_BYTES], axis=1).astype(np.float32)
    ones = hashes.sum(axis=1)
    distance = ones[:, None] + ones[None, :] - 2 * hashes @ hashes.T
    pairs = np.argwhere(np.triu(distance <= HASH_BITS, k=1))
    thumbnails = signed[:, _HASH_BYTES:].astype(np.int16)
    apart = [float(np.abs(thumbnails[i] - thumbnails[j]).mean()) / 255 for i, j in pairs]
    return pairs[np.array(apart, dtype=float) < THUMBNAIL_DIFFERENCE].astype(np.int64)
