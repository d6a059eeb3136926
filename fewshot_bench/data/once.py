"""What is worked out of a picture once in the life of its content, and kept with the facts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PIL import Image

from fewshot_bench.data.decode import open_rgb
from fewshot_bench.data.scan import Scan

if TYPE_CHECKING:
    from fewshot_bench.data.build import Readable


def of_each(readable: Readable, scan: Scan, kind: str, work: Callable[[Image.Image], bytes]) -> list[bytes]:
    """``work`` of each picture (RGB), M in all; ``kind`` names it and its version among the facts."""
    keys = [digest.tobytes() for digest in readable.digests]
    known = scan.facts.get(kind, set(keys))
    unknown = list({key: row for row, key in enumerate(keys) if key not in known}.items())

    def one(item: tuple[bytes, int]) -> tuple[bytes, bytes]:
        key, row = item
        return key, work(open_rgb(readable.root / readable.rows[row].path))

    def save(found: list[tuple[bytes, bytes]]) -> None:
        known.update(found)
        scan.facts.put(kind, dict(found))

    scan.each(one, unknown, save)
    return [known[key] for key in keys]
