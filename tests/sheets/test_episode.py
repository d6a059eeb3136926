"""The contact sheet of an episode: the right pictures in the right cells."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from fewshot_bench.data.index import ImageIndex
from fewshot_bench.errors import UsageError
from fewshot_bench.sheets.episode import DIVIDE, GAP, GROUND, HEAD, MARGIN, NAMES, episode_sheet


def coloured(count: int) -> ImageIndex:
    """Picture r has the colour (r, 2r, 3r)."""
    zeros = np.zeros(count, dtype=np.int64)
    return ImageIndex(
        name="colours",
        variant="default",
        paths=tuple(map(str, range(count))),
        labels=zeros.astype(np.int32),
        class_names=("c",),
        class_splits=("all",),
        pools=np.full(count, 3, dtype=np.uint8),
        groups=np.arange(count),
        positions=zeros,
        guards=zeros[:1],
        digests=np.ones((count, 32), dtype=np.uint8),
        reader=lambda row: Image.new("RGB", (40, 40), (row, 2 * row, 3 * row)),
    )


def centre(sheet: Image.Image, row: int, left: int, column: int, cell: int) -> tuple[int, ...]:
    place = (left + column * (cell + GAP) + cell // 2, HEAD + row * (cell + GAP) + cell // 2)
    return tuple(sheet.getpixel(place))


def test_pictures_are_where_the_episode_says() -> None:
    support, query = np.array([[3, 14], [15, -1]]), np.array([[9, 26, 53], [58, 79, -1]])
    sheet = episode_sheet(coloured(80), ["Crème", "牛乳"], support, query, "title", cell=32)
    queries = MARGIN + NAMES + 2 * (32 + GAP) - GAP + DIVIDE
    for left, rows in ((MARGIN + NAMES, support), (queries, query)):
        for row in range(2):
            for column, picture in enumerate(rows[row]):
                expected = (picture, 2 * picture, 3 * picture) if picture >= 0 else (255, 255, 255)
                assert centre(sheet, row, left, column, 32) == expected
    assert sheet.size == (queries + 3 * (32 + GAP) - GAP + MARGIN, HEAD + 2 * (32 + GAP) - GAP + MARGIN)
    names = np.asarray(sheet)[HEAD:, MARGIN : MARGIN + NAMES - 12].min(axis=2) < 128
    assert names[: 32 + GAP].any() and names[32 + GAP :].any()
    line = np.asarray(sheet)[HEAD:-MARGIN, queries - DIVIDE // 2]
    assert (line < 128).all()


def test_a_wide_picture_keeps_its_shape() -> None:
    index = coloured(4)
    object.__setattr__(index, "reader", lambda row: Image.new("RGB", (80, 20), "black"))
    sheet = episode_sheet(index, ["c"], np.array([[1]]), np.array([[2]]), "", cell=40)
    column = np.asarray(sheet)[HEAD : HEAD + 40, MARGIN + NAMES + 20]
    assert (column == 0).all(axis=1).sum() == 10 and (column == GROUND).all(axis=1).sum() == 30


@pytest.mark.parametrize(("cell", "ways"), [(15, 2), (4000, 10)])
def test_impossible_sheets_are_refused(cell: int, ways: int) -> None:
    with pytest.raises(UsageError, match="--cell"):
        episode_sheet(coloured(1), ["c"] * ways, np.zeros((ways, 1), int), np.zeros((ways, 1), int), "", cell)
