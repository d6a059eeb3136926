"""A pandas data frame of pictures and classes as a data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fewshot_bench.data.build import build_index, read_rows
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.datasets.csv_file import OPTIONAL, checked_rows, fitting
from fewshot_bench.errors import FsbenchError

if TYPE_CHECKING:
    import pandas as pd

NOTE = "Pictures, classes, groups, pools, positions and splits are those of a data frame."


def index_of_frame(frame: pd.DataFrame, root: str | Path, name: str = "frame") -> ImageIndex:
    """Returns the index of a data frame with a picture a row, for ``run(method, index)``.

        index = fb.index_of_frame(frame.rename(columns={"file": "path", "product": "label"}), root="pictures")

    The columns are those of a CSV data set: ``path``, relative to the folder ``root`` and inside it, and ``label``;
    where there are, ``split``, ``group``, ``pool``, ``position`` and ``guard``. A missing value is an empty field
    there. Raises FsbenchError with the number of the first row, from 0, that has a mistake.
    """
    header = list(map(str, frame.columns))
    if not fitting(header):
        raise FsbenchError(
            f"The data frame has the columns {', '.join(header)!r}; it needs path and label, and may have "
            f"{', '.join(OPTIONAL)}, each once and nothing else: choose them with frame[[...]]."
        )
    if frame.empty:
        raise FsbenchError("The data frame has no rows: give one a picture.")
    texts = frame.astype(object).where(frame.notna(), "").astype(str)
    lines = (
        (number, dict(zip(header, row, strict=True)))
        for number, row in enumerate(texts.itertuples(index=False))
    )
    rows, guards = checked_rows(lines, "Row {} of the data frame", Path(root))
    return build_index(name, "default", read_rows(Path(root), rows), guards=guards, notes=[NOTE])
