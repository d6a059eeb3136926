"""From rows (path, class, …) to an ImageIndex: what every adapter of picture files shares."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.decode import open_rgb
from fewshot_bench.data.groups import join, same_content
from fewshot_bench.data.index import BOTH, ImageIndex
from fewshot_bench.data.scan import Contents, Scan, contents
from fewshot_bench.data.sound import CONTROL
from fewshot_bench.errors import FsbenchError, printable

if TYPE_CHECKING:
    from PIL.Image import Image

EMPTIED = "Classes without a readable picture, left out"
"""The beginning of the note on classes that lost all their pictures."""


class Row(NamedTuple):
    """One picture of a data set, before its file is read.

    ``path`` is below the root of the set, with forward slashes; ``label`` is the name of its class. Images with
    an equal ``group`` (None for no group) never stand on both sides of an episode. ``pool``, ``position`` and
    ``split`` become those of ``ImageIndex``; ``split`` is equal within a class. ``test`` says whether the
    published train/test split tests on the picture (None where there is no such split).
    """

    path: str
    label: str
    pool: int = BOTH
    group: Hashable = None
    position: int = 0
    split: str = "all"
    test: bool | None = None


@dataclass(frozen=True, eq=False)
class Readable:
    """The rows of a data set whose pictures decode, and the rows that are left out.

    ``open`` opens the picture of a row by its path. ``digests`` uint8 [M, 32] are those of the rows; ``unreadable``
    lists (path, reason) of the others, and ``emptied`` the classes that lost all pictures. ``stamps`` int64
    [M + U, 2] hold the size and the modification time in ns of the M files and then of the U unreadable ones.
    """

    open: Callable[[str], Image]
    rows: tuple[Row, ...]
    digests: NDArray[np.uint8]
    unreadable: tuple[tuple[str, str], ...]
    emptied: tuple[str, ...]
    stamps: NDArray[np.int64]


@dataclass(frozen=True)
class FilesBelow:
    """Opens the picture of a path below ``root``."""

    root: Path

    def __call__(self, path: str) -> Image:
        return open_rgb(self.root / path)


@dataclass(frozen=True)
class Reader:
    """Opens the picture of a row number when it is asked for, by its path."""

    open: Callable[[str], Image]
    paths: tuple[str, ...]

    def __call__(self, row: int) -> Image:
        return self.open(self.paths[row])

    def file(self, row: int) -> Path | None:
        """Returns the file of a row, None where no file holds the picture as it is."""
        return self.open.root / self.paths[row] if isinstance(self.open, FilesBelow) else None


def natural(name: str) -> list[tuple[int, int, str]]:
    """Returns a sort key by which "video2" comes before "video10"."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return [(0, int(part), part) if part[0] in "0123456789" else (1, 0, part) for part in parts]


def read_rows(root: Path, rows: Sequence[Row], scan: Scan | None = None) -> Readable:
    """Digests and decodes the pictures of all rows; unreadable ones are left out and named in the result.

    Raises FsbenchError when a path is listed twice, leaves the root or is not there, and when no picture is
    left.
    """
    proper, unprintable = printable_rows(rows)
    once(proper, f"in {root}")
    found = contents(root, [row.path for row in proper], scan or Scan())
    return sorted_out(FilesBelow(root), proper, found, unprintable, f"in {root}")


def printable_rows(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Returns the rows with and those without a name (path, class) that can be printed."""
    odd = {i for i, row in enumerate(rows) if CONTROL.search(row.path) or CONTROL.search(row.label)}
    return [row for i, row in enumerate(rows) if i not in odd], [rows[i] for i in sorted(odd)]


def once(rows: Sequence[Row], where: str) -> None:
    """Raises FsbenchError for a path that is listed twice."""
    if len(rows) != len({row.path for row in rows}):
        twice = next(path for path, count in Counter(row.path for row in rows).items() if count > 1)
        raise FsbenchError(f"The picture {twice!r} {where} is listed more than once: list a picture once.")


def sorted_out(
    open: Callable[[str], Image], rows: Sequence[Row], found: Contents, unprintable: Sequence[Row], where: str
) -> Readable:
    """Returns the rows that can be used, and those that cannot with their reasons.

    Raises FsbenchError, naming ``where`` the rows are listed, when no picture is left.
    """
    sound = [i for i, defect in enumerate(found.defects) if not defect]
    broken = [i for i, defect in enumerate(found.defects) if defect]
    kept = tuple(rows[i] for i in sound)
    unreadable = [(rows[i].path, found.defects[i]) for i in broken]
    unreadable += [(printable(row.path), "its name has a control character") for row in unprintable]
    count = len(rows) + len(unprintable)
    if not kept:
        first = f" (the first, {unreadable[0][0]}: {unreadable[0][1]})" if unreadable else ""
        raise FsbenchError(f"None of the {count} pictures listed {where} can be read{first}: check it.")
    emptied = {row.label for row in (*rows, *unprintable)} - {row.label for row in kept}
    left_out = tuple(printable(label) for label in sorted(emptied, key=natural))
    stamps = found.stamps[[*sound, *broken]]
    return Readable(open, kept, found.digests[sound], tuple(unreadable), left_out, stamps)


def build_index(
    name: str,
    variant: str,
    readable: Readable,
    *,
    guards: Mapping[str, int] | None = None,
    links: Iterable[tuple[int, int]] = (),
    families: Mapping[str, str] | None = None,
    notes: Iterable[str] = (),
) -> ImageIndex:
    """Returns the ImageIndex of readable rows, with the classes in natural order of their names.

    ``guards`` maps names of classes to guards. ``links`` are pairs of row numbers whose groups are joined.
    Groups of pictures with identical content in one class are joined as well. ``families`` maps names of classes to
    what they belong to, where that is known.
    """
    rows = readable.rows
    names = sorted({row.label for row in rows}, key=natural)
    number = {label: c for c, label in enumerate(names)}
    labels = np.array([number[row.label] for row in rows], dtype=np.int32)
    within, across = same_content(readable.digests, labels)
    splits = _splits(rows, name)
    guards = guards or {}
    known = {*names, *readable.emptied}
    if unknown := sorted(label for label in guards if label not in known and printable(label) not in known):
        raise FsbenchError(
            f"{name} has a guard of {unknown[0]!r}, which is none of its classes with pictures."
        )
    return ImageIndex(
        name=name,
        variant=variant,
        paths=(paths := tuple(row.path for row in rows)),
        labels=labels,
        class_names=tuple(names),
        class_splits=tuple(splits[label] for label in names),
        pools=np.array([row.pool for row in rows], dtype=np.uint8),
        groups=join([row.group for row in rows], [*within, *links]),
        positions=np.array([row.position for row in rows], dtype=np.int64),
        guards=np.array([guards.get(label, 0) for label in names], dtype=np.int64),
        families=tuple(families[label] for label in names) if families else (),
        digests=readable.digests,
        reader=Reader(readable.open, paths),
        notes=(*notes, *_findings(readable, len(within), across)),
        unreadable=readable.unreadable,
        test=np.array([bool(row.test) for row in rows]) if all(r.test is not None for r in rows) else None,
    )


def _splits(rows: Sequence[Row], name: str) -> dict[str, str]:
    """Returns the split of each class; FsbenchError for a class in two of them."""
    splits: dict[str, str] = {}
    for row in rows:
        if (known := splits.setdefault(row.label, row.split)) != row.split:
            raise FsbenchError(
                f"{name} has the class {row.label!r} in the splits {known!r} and {row.split!r}: a class is in one; "
                "a split of pictures into train and test is said by Row.test, or by Row.pool."
            )
    return splits


def _findings(readable: Readable, within: int, across: int) -> list[str]:
    findings = []
    if readable.unreadable:
        findings.append(f"Pictures left out because they cannot be read: {len(readable.unreadable)}.")
    if readable.emptied:
        findings.append(f"{EMPTIED}: {', '.join(readable.emptied)}.")
    if within:
        findings.append(f"Pictures identical to another of their class, joined to its group: {within}.")
    if across:
        findings.append(f"Contents that occur in more than one class: {across}.")
    return findings
