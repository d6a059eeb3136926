"""The class folders of one folder of a data set, named by their place below the data set's root."""

from __future__ import annotations

from pathlib import Path

from fewshot_bench.data.build import Row
from fewshot_bench.data.folder import walk


def class_rows(root: Path, folder: str) -> list[Row]:
    """The pictures of ``root/folder/<class>/…`` in natural order ("." is the root itself).

    Paths are those below ``root``, classes those below ``folder``; none where there is no such folder. Raises
    FsbenchError for a folder that cannot be read, or a link that leads in circles or out of the folder.
    """
    if not (root / folder).is_dir():
        return []
    above = "" if folder == "." else f"{folder}/"
    return [row._replace(path=f"{above}{row.path}") for row in walk(root / folder).rows]
