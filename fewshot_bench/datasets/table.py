"""The tables that data sets are published with: lists, and CSV files with a header."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from fewshot_bench.errors import FsbenchError
from fewshot_bench.files import open_text


def reason(error: Exception) -> str:
    """Returns what went wrong, without the number and the path that an OSError begins and ends with."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def absent(path: Path) -> str:
    """Returns "" when there is such a file or folder, else why it cannot be found: it is not there, or worse."""
    try:
        os.stat(path)  # noqa: PTH116 (exists() says False of a link in circles, and half a million of them)
    except (FileNotFoundError, NotADirectoryError):
        return "is not there"
    except OSError as error:
        return f"cannot be opened ({error.strerror})"
    return ""


def read_text(path: Path) -> str:
    """Returns the text of a list; raises FsbenchError when the file cannot be read or is not UTF-8."""
    try:
        with open_text(path) as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise FsbenchError(
            f"{path} cannot be read as UTF-8 ({reason(error)}): restore the published file."
        ) from error


def read_table(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields (line number, stripped cells by column) of each line that is not empty.

    Commas and quotes are as in CSV. Raises FsbenchError when the file cannot be read or lacks one of ``columns``,
    and when a line has too few or too many cells, or nothing in one of ``columns``.
    """
    try:
        with open_text(path, newline="") as file:
            lines = csv.reader(file)
            header = [name.strip() for name in next(lines, [])]
            for column in columns:
                if column not in header:
                    raise FsbenchError(
                        f"{path} has no column {column} (its first line is {','.join(header)!r}): restore the "
                        "published file."
                    )
            for cells in lines:
                if any(cell.strip() for cell in cells):
                    if len(cells) != len(header):
                        raise FsbenchError(
                            f"Line {lines.line_num} of {path} has {len(cells)} cells and its header has "
                            f"{len(header)}: restore the published file."
                        )
                    named = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
                    empty = [column for column in columns if not named[column]]
                    if empty:
                        raise FsbenchError(
                            f"Line {lines.line_num} of {path} has an empty {empty[0]}: restore the published "
                            "file."
                        )
                    yield lines.line_num, named
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FsbenchError(
            f"{path} cannot be read as UTF-8 CSV ({reason(error)}): check the file."
        ) from error
