"""The contact sheet of an episode: a class a row, its support to the left, its queries to the right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.index import ImageIndex
from fewshot_bench.errors import UsageError
from fewshot_bench.sheets.caption import FAINT, write, write_block
from fewshot_bench.sheets.contact import paste

if TYPE_CHECKING:
    from PIL.Image import Image

GAP, MARGIN, NAMES = 4, 16, 168
"""Pixels between cells, around the sheet, and for the names of classes."""

HEAD = 56
"""Pixels for the title and the headings."""

DIVIDE = 20
"""Pixels between support and queries, a line in their middle."""

PAPER, GROUND, LINE = (255, 255, 255), (240, 240, 242), (90, 90, 100)


def episode_sheet(
    index: ImageIndex,
    names: list[str],
    support: NDArray[np.integer],
    query: NDArray[np.integer],
    title: str,
    cell: int = 96,
) -> Image:
    """Returns an RGB sheet of N classes with their ``names``.

    ``support [N, K]`` and ``query [N, Q]`` are rows of the index; −1 leaves a cell empty. Raises UsageError when
    the sheet would have more pixels than Pillow opens without a warning, or cells are smaller than 16 pixels.
    """
    from PIL import Image, ImageDraw

    shots, queries = support.shape[1], query.shape[1]
    step = cell + GAP
    start = MARGIN + NAMES
    line = start + shots * step - GAP + DIVIDE // 2
    width, height = (
        line + DIVIDE // 2 + queries * step - GAP + MARGIN,
        HEAD + len(names) * step - GAP + MARGIN,
    )
    limit = Image.MAX_IMAGE_PIXELS or 2**31
    if cell < 16 or width * height > limit:
        raise UsageError(
            f"A sheet of {len(names)} classes with {shots} + {queries} cells of {cell} pixels would be {width} × "
            f"{height} pixels; cells have at least 16 pixels and a sheet at most {limit:,}: take another --cell, or "
            "fewer ways, shots or queries."
        )
    sheet = Image.new("RGB", (width, height), PAPER)
    write(sheet, title, (MARGIN, MARGIN + 4), 15)
    write(sheet, "support", (start, HEAD - 14), 12, FAINT)
    write(sheet, "queries", (line + DIVIDE // 2, HEAD - 14), 12, FAINT)
    draw = ImageDraw.Draw(sheet)
    for number, name in enumerate(names):
        top = HEAD + number * step
        write_block(sheet, name, (MARGIN, top, start - 12, top + cell), 13)
        for left, rows in ((start, support[number]), (line + DIVIDE // 2, query[number])):
            for column, row in enumerate(rows):
                if row >= 0:
                    place = (left + column * step, top)
                    draw.rectangle((*place, place[0] + cell - 1, top + cell - 1), fill=GROUND)
                    paste(sheet, index.reader(int(row)), place, cell)
    draw.line((line, HEAD - 22, line, height - MARGIN), fill=LINE, width=2)
    return sheet
