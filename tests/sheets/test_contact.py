"""Contact sheets: the size asked for, a class a row, support to the left."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from fewshot_bench.data.index import QUERY, SUPPORT, ImageIndex
from fewshot_bench.errors import UsageError
from fewshot_bench.sheets.contact import contact_sheet


def coloured(pools: list[int], classes: int) -> ImageIndex:
    """Every picture has one colour: red its class, green its pool, blue its number in the class."""
    each, count = len(pools), len(pools) * classes
    labels = np.repeat(np.arange(classes, dtype=np.int32), each)
    colours = [(10 * int(c), 100 * pools[i % each], 10 * (i % each)) for i, c in enumerate(labels)]
    return ImageIndex(
        name="colours",
        variant="default",
        paths=tuple(map(str, range(count))),
        labels=labels,
        class_names=tuple(map(str, range(classes))),
        class_splits=("all",) * classes,
        pools=np.array(pools * classes, dtype=np.uint8),
        groups=np.arange(count, dtype=np.int64),
        positions=np.zeros(count, dtype=np.int64),
        guards=np.zeros(classes, dtype=np.int64),
        digests=np.ones((count, 32), dtype=np.uint8),
        reader=lambda row: Image.new("RGB", (8, 4), colours[row]),
    )


def cells(sheet: Image.Image, cell: int, gap: int) -> np.ndarray:
    """The colour in the middle of every cell."""
    start = gap + cell // 2
    return np.asarray(sheet)[start :: cell + gap, start :: cell + gap]


def test_a_class_a_row_support_first() -> None:
    index = coloured([SUPPORT] * 3 + [QUERY] * 9, classes=6)
    sheet = contact_sheet(index, rows=3, columns=8, cell=12, gap=2)
    assert sheet.size == (8 * 14 + 2, 3 * 14 + 2) and sheet.mode == "RGB"
    shown = cells(sheet, 12, 2)
    assert shown.shape == (3, 8, 3)
    assert (shown[..., 0] == shown[:, :1, 0]).all()
    assert np.diff(shown[:, 0, 0].astype(int)).min() > 0
    assert shown[0, :, 1].tolist() == [100] * 3 + [200] * 5
    assert len(np.unique(shown[0], axis=0)) == 8


def test_fewer_pictures_leave_white_cells() -> None:
    shown = cells(contact_sheet(coloured([SUPPORT, QUERY], classes=2), 5, 4, cell=10, gap=0), 10, 0)
    white = (shown == 255).all(axis=2)
    assert white.tolist() == [[False, False, True, True]] * 2 + [[True] * 4] * 3


def test_an_index_of_one_pool_fills_the_row() -> None:
    shown = cells(contact_sheet(coloured([SUPPORT | QUERY] * 6, classes=1), 1, 6, cell=10, gap=1), 10, 1)
    assert len(np.unique(shown[0], axis=0)) == 6


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(UsageError, match="0 × 4"):
        contact_sheet(coloured([SUPPORT], classes=1), 0, 4)
