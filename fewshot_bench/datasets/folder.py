"""Any folder of class folders, one or two levels deep (``article/*.jpg`` or ``brand/article/*.jpg``)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from fewshot_bench.contract.source import Card, DatasetSource
from fewshot_bench.data.build import Row, build_index, natural, read_rows
from fewshot_bench.data.decode import FORMATS
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.data.scan import Scan
from fewshot_bench.data.snapshot import Seen, Snapshot, seen
from fewshot_bench.data.split_names import known_split
from fewshot_bench.errors import FsbenchError, UsageError, printable

DEEPEST = 2
VERSION = "folder-2"
"""The version of the code that makes an index of a folder; a stored index of another version is not used."""

NOTE = "A folder says nothing of clips or sessions: only pictures with identical content are kept together."


class Folder(DatasetSource):
    """A folder of class folders.

    A class is a folder that holds pictures, named by its path below the root (``brand/article``). Where the folders
    of the root are ``train`` and ``test``, or ``train``, ``val`` and ``test``, they are splits and in no class's name.
    """

    api_version = 1
    name = "folder"
    card = Card(
        summary="any folder of class folders: --dataset PATH",
        licence="that of the pictures",
        published="your own pictures",
        layout="<class>/<picture> or <brand>/<article>/<picture>, as " + ", ".join(e[1:] for e in FORMATS),
    )

    def load(
        self, root: Path | None = None, variant: str | None = None, scan: Scan | None = None
    ) -> ImageIndex:
        """Returns the index, read once and then from its snapshot until a folder changes.

        Raises FsbenchError when there is no class folder with a picture, or a link leads in circles.
        """
        if root is None:
            raise UsageError("The data set folder is reached by its path: --dataset PATH.")
        scan = scan or Scan()
        variant = variant or "default"
        snapshot = Snapshot(
            root, scan.facts.path.parent / "indexes", f"{VERSION} {DEEPEST} {FORMATS} {variant}"
        )
        if not scan.verify and (stored := snapshot.load()) is not None:
            return stored
        began, found = time.time(), walk(root)
        if not found.rows:
            raise FsbenchError(f"{root} holds no pictures in class folders; expected {self.card.layout}.")
        rows, notes = by_split(root, found.rows)
        readable = read_rows(root, rows, scan)
        name = f"folder:{root.resolve().name}"
        index = build_index(name, variant, readable, notes=[NOTE, *notes, *found.notes()])
        snapshot.save(index, readable.stamps, found.folders, began)
        return index


@dataclass
class Found:
    """The pictures, folders and other things that a walk through a folder came upon."""

    rows: list[Row] = field(default_factory=list)
    folders: list[Seen] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    without_class: int = 0
    too_deep: int = 0
    deepest: int = DEEPEST

    def notes(self) -> list[str]:
        """Returns a sentence for each thing that is left out."""
        notes = []
        if self.empty:
            notes.append(f"Folders without a picture, left out: {', '.join(self.empty)}.")
        if self.without_class:
            notes.append(f"Pictures beside the class folders, left out: {self.without_class}.")
        if self.too_deep:
            notes.append(f"Pictures more than {self.deepest} folders deep, left out: {self.too_deep}.")
        return notes


def walk(root: Path) -> Found:
    """Returns the pictures below ``root`` in natural order; hidden files and other formats are passed over.

    Raises FsbenchError for a folder that cannot be read, and for a link out of the root or to a folder above.
    """
    found = Found()
    _visit(root, "", (os.path.realpath(root),), found)
    return found


def _visit(folder: Path, label: str, above: tuple[str, ...], found: Found) -> None:
    """Adds what ``folder`` holds to ``found``; ``above`` are the real paths of the root down to it."""
    try:
        found.folders.append(seen(folder, label))
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if not entry.name.startswith(".")]
        folders = [entry.name for entry in visible if entry.is_dir()]
    except OSError as error:
        inside = os.path.relpath(error.filename, folder) if error.filename else "."
        which = f"{inside}: {error.strerror}" if inside != "." else error.strerror
        raise FsbenchError(
            f"The folder {folder} cannot be read ({which}): check its permissions and links."
        ) from error
    pictures = [e.name for e in visible if e.name not in folders and e.name.lower().endswith(FORMATS)]
    depth = len(above) - 1
    if depth == 0:
        found.deepest = DEEPEST + are_splits(folders)
        found.without_class += len(pictures)
    elif depth > found.deepest:
        found.too_deep += len(pictures)
    else:
        found.rows += [Row(f"{label}/{name}", label) for name in sorted(pictures, key=natural)]
        if not pictures and not folders:
            found.empty.append(printable(label))
    for name in sorted(folders, key=natural):
        place = os.path.realpath(folder / name)
        if place in above:
            raise FsbenchError(f"{folder / name} links to {place}, a folder above it: remove that link.")
        if not place.startswith(above[0] + os.sep):
            raise FsbenchError(
                f"{folder / name} leads out of the folder {above[0]} (to {place}): copy what is linked there."
            )
        _visit(folder / name, f"{label}/{name}" if label else name, (*above, place), found)


def are_splits(folders: Iterable[str]) -> bool:
    """Returns whether two folders or more are all named as splits are (``train``, ``val``, ``test``)."""
    names = set(folders)
    return len(names) > 1 and all(known_split(name) not in (None, "all") for name in names)


def by_split(root: Path, rows: list[Row]) -> tuple[list[Row], list[str]]:
    """Returns the rows with their splits, where the folders of the root are splits, and a note that says so.

    Classes that stand in one split each are base, validation and novel classes. Where a class stands in several, the
    split is one of pictures, of which those of ``test`` are tested on. Raises FsbenchError for splits without classes.
    """
    parts = [row.label.partition("/") for row in rows]
    if not are_splits(top for top, _, _ in parts):
        return rows, []
    tops = sorted({top for top, _, _ in parts})
    if bare := next((top for top, _, label in parts if not label), None):
        raise FsbenchError(
            f"{root} has the folders {', '.join(tops)}, which are named as splits, and {bare} holds pictures and no "
            "class folders: put each class into a folder of its own, or rename it if it is a class."
        )
    split = {top: known_split(top) or "" for top in tops}
    held: dict[str, set[str]] = {}
    for top, _, label in parts:
        held.setdefault(label, set()).add(split[top])
    if all(len(splits) == 1 for splits in held.values()):
        found = [
            row._replace(label=label, split=split[top])
            for row, (top, _, label) in zip(rows, parts, strict=True)
        ]
        return found, [f"The folders {', '.join(tops)} are splits of classes."]
    found = [
        row._replace(label=label, test=split[top] == "novel")
        for row, (top, _, label) in zip(rows, parts, strict=True)
    ]
    return found, [f"The folders {', '.join(tops)} hold pictures of the same classes: a split of pictures."]
