"""Work on a picture that is done once for each content and kept with the facts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from numpy.typing import NDArray
from PIL import Image

from fewshot_bench.data.scan import Scan

if TYPE_CHECKING:
    import numpy as np

    from fewshot_bench.data.build import Readable
    from fewshot_bench.data.index import ImageIndex


def of_each(readable: Readable, scan: Scan, kind: str, work: Callable[[Image.Image], bytes]) -> list[bytes]:
    """Returns ``work`` of each of M pictures (RGB), remembered by content; ``kind`` names the work and its version."""

    def one(row: int) -> bytes:
        return work(readable.open(readable.rows[row].path))

    return of_contents(readable.digests, scan, kind, one)


def of_index(index: ImageIndex, scan: Scan, kind: str, work: Callable[[Image.Image], bytes]) -> list[bytes]:
    """Returns ``work`` of each of the M pictures of an index, which may be drawn, remembered by content."""
    return of_contents(index.digests, scan, kind, lambda row: work(index.reader(row)))


def of_contents(
    digests: NDArray[np.uint8], scan: Scan, kind: str, work: Callable[[int], bytes]
) -> list[bytes]:
    """Returns ``work`` of each of M rows; rows with an equal digest (uint8 [M, 32]) share the work on the first."""
    keys = [digest.tobytes() for digest in digests]
    known = scan.facts.get(kind, set(keys))
    first: dict[bytes, int] = {}
    for row, key in enumerate(keys):
        if key not in known:
            first.setdefault(key, row)

    def one(item: tuple[bytes, int]) -> tuple[bytes, bytes]:
        key, row = item
        return key, work(row)

    def save(found: list[tuple[bytes, bytes]]) -> None:
        known.update(found)
        scan.facts.put(kind, dict(found))

    scan.each(one, list(first.items()), save)
    return [known[key] for key in keys]
