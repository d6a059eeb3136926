"""Any CSV file of pictures and classes, with pools, groups, positions and splits where it has them."""

from __future__ import annotations

import csv
import posixpath
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from fewshot_bench.contract.source import Card, DatasetSource
from fewshot_bench.data.build import Row, build_index, read_rows
from fewshot_bench.data.index import BOTH, QUERY, SUPPORT, ImageIndex
from fewshot_bench.data.scan import Scan
from fewshot_bench.data.split_names import class_split
from fewshot_bench.datasets.table import absent, reason
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.files import open_text

POOLS = {"": BOTH, "both": BOTH, "support": SUPPORT, "query": QUERY}
REQUIRED = ("path", "label")
OPTIONAL = ("split", "group", "pool", "position", "guard")
MOST = 2**62
LEAST = {"position": -MOST, "guard": 0}
"""Bounds of the numbers of a line, as an ``ImageIndex`` has them."""

NOTE = "Groups, pools, positions and splits are those of the CSV file."


class CsvFile(DatasetSource):
    """A data set that is a CSV file with the header ``path,label[,split,group,pool,position,guard]``, in UTF-8.

    - path: relative to the CSV's folder, and inside it
    - split: base, validation, novel or all (empty: all), one value a class; train, val and test are understood
    - group: images of one group never stand on both sides of an episode (empty: a group of its own)
    - pool: support, query or both (empty: both)
    - position and guard: integers; inside a class, a query is at least ``guard`` positions (one value a
      class) from every support image
    """

    api_version = 1
    name = "csv"
    card = Card(
        summary="any CSV of pictures and classes: --dataset PATH.csv",
        licence="that of the pictures",
        published="your own pictures",
        layout="a header path,label[,split,group,pool,position,guard] and a picture a line, paths relative "
        "to the CSV's folder",
    )

    def load(
        self, root: Path | None = None, variant: str | None = None, scan: Scan | None = None
    ) -> ImageIndex:
        """Returns the index of the CSV file ``root``; raises FsbenchError with the line of the first mistake."""
        if root is None:
            raise UsageError("The data set csv is reached by its file: --dataset PATH.csv.")
        rows, guards = read_csv(root)
        return build_index(
            f"csv:{root.stem}",
            variant or "default",
            read_rows(root.parent, rows, scan),
            guards=guards,
            notes=[NOTE] if any(row != Row(row.path, row.label) for row in rows) else [],
        )


def read_csv(path: Path) -> tuple[list[Row], dict[str, int]]:
    """Returns all rows of a CSV file, and the guards by class name."""
    found = checked_rows(
        _lines(path), "Line {} of " + str(path).replace("{", "{{").replace("}", "}}"), path.parent
    )
    if not found[0]:
        raise FsbenchError(f"{path} lists no pictures: add lines below its header.")
    return found


def checked_rows(
    lines: Iterable[tuple[int, dict[str, str]]], place: str, folder: Path
) -> tuple[list[Row], dict[str, int]]:
    """Returns the rows of numbered lines of texts by column, and the guards by class name.

    ``place`` says where a line is, with ``{}`` for its number. Raises FsbenchError, with that, for the first mistake.
    """
    rows: list[Row] = []
    seen: dict[str, int] = {}
    classes: dict[str, tuple[str, int]] = {}
    for line, fields in lines:
        where = place.format(line)
        row, guard = _row(fields, where)
        if (first := seen.setdefault(row.path, line)) != line:
            raise FsbenchError(f"{where} lists {row.path!r} again, after line {first}: list a picture once.")
        if why := absent(folder / row.path):
            raise FsbenchError(f"{where} names {row.path!r}, which {why}: paths are relative to {folder}.")
        if (known := classes.setdefault(row.label, (row.split, guard))) != (row.split, guard):
            raise FsbenchError(
                f"{where} gives the class {row.label!r} split {row.split} and guard {guard}, an earlier line "
                f"split {known[0]} and guard {known[1]}: both belong to the class, so make them equal; a split of "
                "pictures into train and test is said by pool, support and query."
            )
        rows.append(row)
    return rows, {label: guard for label, (_, guard) in classes.items()}


def _lines(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with open_text(path, newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip() for name in next(reader, [])]
            _check_header(path, header)
            for fields in reader:
                if not any(field.strip() for field in fields):
                    continue
                if len(fields) != len(header):
                    raise FsbenchError(
                        f"Line {reader.line_num} of {path} has {len(fields)} fields and the header "
                        f"{len(header)}: put fields that hold commas in double quotes."
                    )
                yield reader.line_num, {n: f.strip() for n, f in zip(header, fields, strict=True)}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FsbenchError(
            f"{path} cannot be read as UTF-8 CSV ({reason(error)}): check the file."
        ) from error


def _check_header(path: Path, header: list[str]) -> None:
    if not fitting(header):
        raise FsbenchError(
            f"The header of {path} is {','.join(header)!r}; it needs path and label, and may have "
            f"{', '.join(OPTIONAL)}, each once and nothing else."
        )


def fitting(header: Sequence[str]) -> bool:
    """Returns whether the columns are path and label, and of the others each at most once."""
    return set(REQUIRED) <= set(header) <= {*REQUIRED, *OPTIONAL} and len(set(header)) == len(header)


def _row(fields: dict[str, str], where: str) -> tuple[Row, int]:
    for name in REQUIRED:
        if not fields[name]:
            raise FsbenchError(f"{where} has an empty {name}: fill it in.")
    pool, split = fields.get("pool", ""), class_split(fields.get("split", ""), f"{where}: split")
    if pool not in POOLS:
        raise FsbenchError(f"{where} has pool {pool!r}: write support, query, both, or nothing.")
    numbers = []
    for name in ("position", "guard"):
        try:
            number = int(fields.get(name) or 0)
        except ValueError:
            raise FsbenchError(f"{where} has {name} {fields[name][:60]!r}: write a whole number.") from None
        if not LEAST[name] <= number <= MOST:
            raise FsbenchError(f"{where} has {name} {number}: write a number from {LEAST[name]} to {MOST}.")
        numbers.append(number)
    path = posixpath.normpath(fields["path"])
    group = fields.get("group") or None
    return Row(path, fields["label"], POOLS[pool], group, numbers[0], split), numbers[1]
