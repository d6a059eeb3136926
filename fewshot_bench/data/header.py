"""What the header of a picture says: its format, its mode and its size, without decoding it."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from fewshot_bench.data.build import Reader
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.data.once import of_contents
from fewshot_bench.data.scan import Scan
from fewshot_bench.errors import FsbenchError
from fewshot_bench.files import open_regular, why

_KIND, _MADE = "header 1", "header 1, no file"
_FIELDS = struct.Struct("<16s16sII")
_ORIENTATION, _LYING = 0x0112, (5, 6, 7, 8)  # EXIF: stored on its side


class Header(NamedTuple):
    """The format ("PNG", or "no file" for a drawn picture), mode ("RGB"), width and height as a person sees them."""

    format: str
    mode: str
    width: int
    height: int


def headers(index: ImageIndex, scan: Scan, rows: Sequence[int] | None = None) -> list[Header]:
    """Returns the headers of some rows (None for all), remembered by the content of the file.

    Pictures that no file holds as they are (drawn, turned) are made to see their size.
    """
    chosen = list(range(len(index)) if rows is None else rows)

    def read(place: int) -> bytes:
        header = _read(index, chosen[place])
        return _FIELDS.pack(header.format.encode(), header.mode.encode(), header.width, header.height)

    kind = _MADE if _file(index, 0) is None else _KIND
    found = of_contents(index.digests[chosen], scan, kind, read)
    return [_unpacked(data) for data in found]


def _read(index: ImageIndex, row: int) -> Header:
    path = _file(index, row)
    if path is None:
        image = index.reader(row)
        return Header("no file", image.mode, *image.size)
    try:
        with open_regular(path) as stream, Image.open(stream) as image:
            lying = image.format != "PNG" or "exif" in image.info  # else Pillow would decode it to find none
            turned = lying and image.getexif().get(_ORIENTATION) in _LYING
            width, height = image.size[::-1] if turned else image.size
            return Header(image.format or "", image.mode, width, height)
    except Exception as error:  # the file decoded a moment ago; a decoder raises nearly anything
        reason = why(error) if isinstance(error, OSError) else str(error) or type(error).__name__
        raise FsbenchError(f"{path} cannot be read ({reason}): run the same command again.") from error


def _file(index: ImageIndex, row: int) -> Path | None:
    """Returns the file of a picture, None where no file holds it as it is."""
    return index.reader.file(row) if isinstance(index.reader, Reader) else None


def _unpacked(data: bytes) -> Header:
    name, mode, width, height = _FIELDS.unpack(data)
    return Header(name.rstrip(b"\0").decode(), mode.rstrip(b"\0").decode(), width, height)
