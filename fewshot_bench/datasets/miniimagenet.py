"""miniImageNet: 100 classes of ImageNet with 600 pictures each, most often at 84 × 84."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from fewshot_bench.contract.source import Card, DatasetSource
from fewshot_bench.data.build import Row, build_index, read_rows
from fewshot_bench.data.decode import FORMATS
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.data.scan import Scan
from fewshot_bench.datasets.class_folders import Below, class_rows, is_folder, names_in
from fewshot_bench.datasets.complete import incomplete
from fewshot_bench.datasets.locate import layout_error
from fewshot_bench.datasets.splits import read_split
from fewshot_bench.datasets.table import absent, read_table
from fewshot_bench.errors import FsbenchError
from fewshot_bench.files import open_text

PARTS = {"train": "base", "val": "validation", "test": "novel"}
COLUMNS = (("filename", "label"), ("image_name", "class_name"))
"""The columns of picture and class in Ravi and Larochelle's CSV files, and in easy-few-shot-learning's."""

PICTURES = 60_000
WNID = 9
"""The number of characters of a WordNet number such as n01532829, with which a picture's name begins."""

SEEN = "The pictures are ImageNet's: weights that were trained on ImageNet have seen the classes asked for."


class MiniImageNet(DatasetSource):
    """100 classes of ImageNet, split by the CSV files or the folders, and else by the published list."""

    api_version = 1
    name = "miniimagenet"
    folders = ("miniimagenet", "mini-imagenet", "mini_imagenet", "miniImageNet")
    variants = {"default": "64 base, 16 validation and 20 novel classes, as Ravi and Larochelle split them"}  # noqa: RUF012
    card = Card(
        summary="100 classes of ImageNet, 600 pictures each, split 64 / 16 / 20",
        licence="none stated: research use (ImageNet's terms)",
        published="https://github.com/twitter-research/meta-learning-lstm (split), https://image-net.org (pictures)",
        layout="images/<class>/<file> or images/<file> with train.csv, val.csv and test.csv (filename,label) or "
        "without, or {train,val,test}/<class>/<file>; a class is a WordNet number such as n01532829",
        reference="Vinyals et al.: Matching networks for one shot learning, NeurIPS 2016; split: Ravi, "
        "Larochelle: Optimization as a model for few-shot learning, ICLR 2017",
    )

    def load(
        self, root: Path | None = None, variant: str | None = None, scan: Scan | None = None
    ) -> ImageIndex:
        """Returns the index; raises FsbenchError when none of the layouts is there, or a class is in two splits."""
        assert root is not None
        if any((root / f"{part}.csv").exists() for part in PARTS):
            rows, notes = self.listed(root)
        elif any(is_folder(root / part) for part in PARTS):
            rows, notes = in_folders(root)
        else:
            rows, notes = self.by_name(root)
        if not any(row.split == "novel" for row in rows):
            some = "of a class of the test split" if rows else "in images, nor in train, val and test"
            raise layout_error(self, root, f"there are no pictures {some}")
        check_disjoint(root, rows)
        notes = [SEEN, *departures(rows), *incomplete(len(rows), PICTURES), *notes]
        index = build_index(self.name, variant or "default", read_rows(root, rows, scan), notes=notes)
        return replace(index, seen_by=("ImageNet",))

    def listed(self, root: Path) -> Below:
        """Returns the rows of ``train.csv``, ``val.csv`` and ``test.csv``.

        Their pictures lie in class folders or beside each other.
        """
        missing = [f"{part}.csv" for part in PARTS if not (root / f"{part}.csv").is_file()]
        if missing:
            raise layout_error(self, root, f"there is no file {missing[0]} beside the other lists")
        rows = []
        for part, split in PARTS.items():
            path = root / f"{part}.csv"
            picture, label = columns_of(path)
            for number, cells in read_table(path, (picture, label)):
                places = [f"images/{cells[label]}/{cells[picture]}", f"images/{cells[picture]}"]
                why = {place: absent(root / place) for place in places}
                found = next((place for place in places if not why[place]), None)
                if found is None:
                    raise FsbenchError(
                        f"Line {number} of {path} names {cells[picture]!r}: {places[0]} {why[places[0]]}, and "
                        f"{places[1]} {why[places[1]]}; restore it or take it off the list."
                    )
                rows.append(Row(found, cells[label], split=split))
        return Below(rows, [])

    def by_name(self, root: Path) -> Below:
        """Returns the pictures of ``images`` whose class the published list has, with its split."""
        split = published()
        rows, notes = class_rows(root, "images")
        if not rows:
            names = [name for name in names_in(root / "images") if name.lower().endswith(FORMATS)]
            rows, notes = [Row(f"images/{name}", name[:WNID]) for name in names], []
        unknown = sorted({row.label for row in rows} - split.keys())
        if unknown:
            finding = f"the class {unknown[0]!r} in images is none of the 100 published ones"
            raise layout_error(self, root, finding)
        return Below([row._replace(split=split[row.label]) for row in rows], notes)


def in_folders(root: Path) -> Below:
    """Returns the rows of ``{train,val,test}/<class>/<file>``."""
    rows, notes = [], []
    for part, split in PARTS.items():
        found = class_rows(root, part)
        rows += [row._replace(split=split) for row in found.rows]
        notes += found.notes
    return Below(rows, notes)


def columns_of(path: Path) -> tuple[str, str]:
    """Returns the columns of picture and class in a CSV file: the first pair of ``COLUMNS`` that its header has."""
    with open_text(path, errors="replace") as file:
        header = {name.strip() for name in file.readline().split(",")}
    return next((pair for pair in COLUMNS if set(pair) <= header), COLUMNS[0])


def published() -> dict[str, str]:
    """Returns the split (base, validation or novel) of the 100 classes by WordNet number."""
    return {row["class"]: row["split"] for row in read_split("miniimagenet")}


def check_disjoint(root: Path, rows: Iterable[Row]) -> None:
    """Raises FsbenchError when a class has pictures in two splits, since it would be trained on and evaluated."""
    splits: dict[str, str] = {}
    for row in rows:
        if splits.setdefault(row.label, row.split) != row.split:
            raise FsbenchError(
                f"The class {row.label!r} in {root} is both {splits[row.label]} and {row.split}, and a class "
                "belongs to one of train, val and test: restore the published split of classes."
            )


def departures(rows: Iterable[Row]) -> list[str]:
    """Returns a note when classes stand in another split than the published one, or are not in it."""
    split = published()
    other = sorted({row.label for row in rows if split.get(row.label) != row.split})
    if not other:
        return []
    return [
        f"Classes in another split than Ravi and Larochelle's: {len(other)} ({other[0]} first): do not compare."
    ]
