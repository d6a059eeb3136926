"""Contact sheets: pictures of a data set side by side, for the eye."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.index import QUERY, ImageIndex
from fewshot_bench.errors import UsageError

if TYPE_CHECKING:
    from PIL.Image import Image


def contact_sheet(index: ImageIndex, rows: int, columns: int, cell: int = 128, gap: int = 4) -> Image:
    """Returns an RGB sheet of ``rows × columns`` cells of ``cell`` pixels with white gaps of ``gap`` pixels.

    A row shows one class, from left to right pictures that may be support and then its queries. Where the class
    has queries of its own, support takes at most half of the columns. Rows are spread evenly over the classes,
    columns over each pool, and cells without a picture stay white. Raises UsageError when a number is out of
    range.
    """
    if min(rows, columns, cell) < 1 or gap < 0:
        raise UsageError(
            f"A contact sheet of {rows} × {columns} cells of {cell} pixels, {gap} apart, cannot be drawn: "
            "give at least one row, column and pixel, and no negative gap."
        )
    from PIL import Image

    step = cell + gap
    sheet = Image.new("RGB", (columns * step + gap, rows * step + gap), "white")
    for row, label in enumerate(_spread(np.arange(len(index.class_names)), rows)):
        for column, picture in enumerate(_chosen(index, int(label), columns)):
            paste(sheet, index.reader(picture), (gap + column * step, gap + row * step), cell)
    return sheet


def paste(sheet: Image, image: Image, place: tuple[int, int], cell: int) -> None:
    """Puts a picture in the middle of a square of ``cell`` pixels, as large as fits, its shape kept."""
    scale = cell / max(image.size)
    image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    sheet.paste(image, (place[0] + (cell - image.width) // 2, place[1] + (cell - image.height) // 2))


def _chosen(index: ImageIndex, label: int, columns: int) -> list[int]:
    """Returns rows of the index that show one class: half of ``columns`` support where queries fill the rest."""
    members = np.flatnonzero(index.labels == label)
    queries = members[index.pools[members] == QUERY]
    others = members[index.pools[members] != QUERY]
    shown = min(len(others), max(columns - len(queries), (columns + 1) // 2))
    return [int(row) for row in (*_spread(others, shown), *_spread(queries, columns - shown))]


def _spread(values: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Returns at most ``count`` of ``values``, evenly spread and in order, the first and the last among them."""
    places = np.linspace(0, max(0, len(values) - 1), min(count, len(values)))
    return np.take(values, places.round().astype(int))
