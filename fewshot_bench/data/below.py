"""The class folders of one folder of a data set, named by their place below the data set's root."""

from __future__ import annotations

from pathlib import Path

from fewshot_bench.data.build import Row
from fewshot_bench.data.folder import walk


def class_rows(root: Path, folder: str) -> list[Row]:
    """The pictures of ``root/folder/<class>/…`` in natural order: paths below ``root``, classes below ``folder``.

    Empty where there is no such folder. Raises FsbenchError for a folder that cannot be read, or a link that
    leads in circles or out of the folder.
    """
    if not (root / folder).is_dir():
        return []
    return [row._replace(path=f"{folder}/{row.path}") for row in walk(root / folder).rows]
