"""Near-duplicates: pictures so alike that one in support gives the other away as a query.

Two pictures are near-duplicates when their 64-bit difference hashes differ in at most 6 bits and the
mean absolute difference of their 16×16 RGB thumbnails is below 0.05 (of 1). The hash is ImageHash's
``dhash`` but for the filter that makes the picture small: bilinear here, Lanczos there, which changes 99 %
of the hashes of GroZi-120's crops and misses 826 of their 1,855 pairs (measured with Pillow 13's filters).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fewshot_bench.data.memory import bands
from fewshot_bench.data.once import of_each, of_index
from fewshot_bench.data.scan import Scan
from fewshot_bench.data.shrink import across, bilinear, box

if TYPE_CHECKING:
    from fewshot_bench.data.build import Readable
    from fewshot_bench.data.index import ImageIndex

HASH_BITS = 6
THUMBNAIL_DIFFERENCE = 0.05
HASH_BYTES = 8
SIDE = 16
_KIND = "signature 2"
_LENGTH = HASH_BYTES + SIDE * SIDE * 3
_DIFFERENCES = (SIDE - 2) * (SIDE - 2) * 3
_AT_ONCE = 4096  # pairs whose thumbnails are compared at once


def signature(image: Image.Image) -> bytes:
    """Returns 776 bytes of an RGB picture: a difference hash (9×8 grey, bilinear) and a 16×16 thumbnail (box)."""
    grey: list[NDArray[np.uint8]] = []
    colour: list[NDArray[np.uint8]] = []
    for top, end in bands(*image.size):
        pixels = np.asarray(image.crop((0, top, image.width, end)))
        grey.append(across(luma(pixels), 9, bilinear))
        colour.append(np.stack([across(pixels[..., channel], SIDE, box) for channel in range(3)], axis=2))
    small, rows = across(np.concatenate(grey).T, 8, bilinear).T, np.concatenate(colour)
    thumbnail = np.stack([across(rows[..., channel].T, SIDE, box).T for channel in range(3)], axis=2)
    return np.packbits(small[:, 1:] > small[:, :-1]).tobytes() + thumbnail.tobytes()


def luma(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns RGB pixels ``[H, W, 3]`` as grey ``[H, W]``: ITU-R BT.601, as Pillow's mode L."""
    red, green, blue = (pixels[..., channel].astype(np.int32) for channel in range(3))
    return ((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16).astype(np.uint8)


def signatures(readable: Readable, scan: Scan) -> NDArray[np.uint8]:
    """Returns uint8 [M, 776], the signature of each picture, computed once for each content and then remembered."""
    return _table(of_each(readable, scan, _KIND, signature))


def index_signatures(index: ImageIndex, scan: Scan) -> NDArray[np.uint8]:
    """Returns uint8 [M, 776], the signatures of the M pictures of an index, which may be drawn."""
    return _table(of_index(index, scan, _KIND, signature))


def near_duplicates(signed: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Returns the pairs int64 [P, 2] of rows i < j of ``signed [M, 776]`` that are near-duplicates."""
    hashes = np.unpackbits(signed[:, :HASH_BYTES], axis=1).astype(np.float32)
    ones = hashes.sum(axis=1)
    distance = ones[:, None] + ones[None, :] - 2 * hashes @ hashes.T
    pairs = np.argwhere(np.triu(distance <= HASH_BITS, k=1)).astype(np.int64)
    parts = np.array_split(pairs, len(pairs) // _AT_ONCE + 1)
    apart = np.concatenate([difference(signed[part[:, 0]], signed[part[:, 1]]) for part in parts])
    return pairs[apart < THUMBNAIL_DIFFERENCE]


def difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Returns the mean absolute difference, 0..1 [P], between the thumbnails of two lists of signatures [P, 776]."""
    wide = a[:, HASH_BYTES:].astype(np.int16) - b[:, HASH_BYTES:].astype(np.int16)
    return np.asarray(np.abs(wide).mean(axis=1) / 255)


def likeness(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Returns the cosine, -1..1 [P], between the edges (central differences) of two lists of thumbnails.

    A picture's background and brightness do not count. So the value tells a picture that was saved again or
    scaled from another picture of the same kind. Two pictures without any edge are alike (1); a picture with
    edges and one without are not (0).
    """
    first, second = _edges(a), _edges(b)
    norms = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    flat = ~first.any(axis=1) & ~second.any(axis=1)
    inner = (first * second).sum(axis=1)
    return np.where(flat, 1.0, inner / np.where(norms > 0, norms, 1.0))


def _edges(signed: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Returns the differences across and down of thumbnails [P, 16, 16, 3], without the rim, as [P, 1176]."""
    small = signed[:, HASH_BYTES:].reshape(-1, SIDE, SIDE, 3).astype(np.float64)
    across = small[:, 1:-1, 2:] - small[:, 1:-1, :-2]
    down = small[:, 2:, 1:-1] - small[:, :-2, 1:-1]
    return np.concatenate(
        [across.reshape(len(small), _DIFFERENCES), down.reshape(len(small), _DIFFERENCES)], axis=1
    )


def _table(rows: list[bytes]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(-1, _LENGTH)
