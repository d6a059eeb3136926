"""The contents of class folders, named by their place below the data set's root.

A folder that is there and cannot be read (permissions, a link in circles) raises OSError, from which
``load_dataset`` makes one sentence. It is never taken for a folder that is not there.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple

from fewshot_bench.data.build import Row, natural
from fewshot_bench.datasets.folder import walk


class Below(NamedTuple):
    """The pictures of class folders, and a note for each thing that is left out."""

    rows: list[Row]
    notes: list[str]


def class_rows(root: Path, folder: str) -> Below:
    """Returns the pictures of ``root/folder/<class>/…`` in natural order ("." is the root itself).

    Paths are below ``root`` and classes below ``folder``. The result is empty when there is no such folder.
    Raises FsbenchError for a folder that cannot be read, and for a link that leads in circles or out of the
    folder.
    """
    if not is_folder(root / folder):
        return Below([], [])
    above, where = ("", "") if folder == "." else (f"{folder}/", f"In {folder}: ")
    found = walk(root / folder)
    rows = [row._replace(path=f"{above}{row.path}") for row in found.rows]
    return Below(rows, [f"{where}{note}" for note in found.notes()])


def is_folder(path: Path) -> bool:
    """Returns whether there is such a folder; raises OSError when that cannot be known."""
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)  # noqa: PTH116 (is_dir() says False of a link in circles)
    except (FileNotFoundError, NotADirectoryError):
        return False


def names_in(folder: Path) -> list[str]:
    """Returns the names in a folder in natural order, and none when there is no such folder."""
    return sorted(os.listdir(folder), key=natural) if is_folder(folder) else []  # noqa: PTH208
