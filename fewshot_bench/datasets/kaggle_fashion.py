"""Fashion Product Images (Kaggle): shop pictures of garments, with three levels of labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from fewshot_bench.contract.source import Card, DatasetSource
from fewshot_bench.data.build import Row, build_index, read_rows
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.data.pixels import same_pixels
from fewshot_bench.data.scan import Scan
from fewshot_bench.datasets.class_folders import names_in
from fewshot_bench.datasets.held_out import held_out
from fewshot_bench.datasets.locate import layout_error
from fewshot_bench.datasets.table import read_text
from fewshot_bench.errors import FsbenchError

LEVELS = {"article": "articleType", "sub": "subCategory", "master": "masterCategory"}
PARENTS = {"article": LEVELS["sub"], "sub": LEVELS["master"]}
"""Level -> the column that says what its labels belong to."""
HELD_OUT = (
    "Held out by a fixed draw: article types that have a picture, in order of the sha256 of their names, the first "
    "fifth novel, the second validation. Figures on it cannot be compared with published ones."
)
PIXELS = "Pictures with other bytes and the same pixels as another of their class, joined to its group: {}."


class KaggleFashion(DatasetSource):
    """The rows of ``styles.csv`` that have a picture; pictures with equal pixels are one group.

    In the published table, 22 rows have unquoted commas in their last field, the product's name, and two have
    an inch mark in it, as a quoted field with doubled quotes. The name is not used. The label NA is a word and
    not a missing value.
    """

    api_version = 1
    name = "kaggle-fashion"
    folders = ("kaggle-fashion", "fashion-product-images-dataset", "fashion-product-images-small")
    variants = {  # noqa: RUF012
        "article": "classes are article types, such as Jeans",
        "article-held-out": "article types, a fifth of them held out, and a fifth for validation",
        "sub": "classes are sub-categories, such as Bottomwear",
        "master": "classes are master categories, such as Apparel",
    }
    card = Card(
        summary="shop pictures of garments and accessories, labelled at three levels",
        licence="none stated: research use",
        published="https://www.kaggle.com/datasets/paramaggarwal/fashion-product-images-dataset",
        layout="styles.csv (id, gender, masterCategory, subCategory, articleType, …) and images/<id>.jpg",
    )

    def load(
        self, root: Path | None = None, variant: str | None = None, scan: Scan | None = None
    ) -> ImageIndex:
        """Returns the index; raises FsbenchError when ``styles.csv`` or a column is missing, or a row is malformed."""
        assert root is not None
        variant, scan = variant or "article", scan or Scan()
        if not (root / "styles.csv").is_file():
            raise layout_error(self, root, "there is no file styles.csv")
        labels = labels_of(root / "styles.csv", LEVELS[variant.partition("-")[0]])
        present = {name for name in names_in(root / "images") if name.endswith(".jpg")}
        above = PARENTS.get(variant.partition("-")[0])
        families = parents(labels, labels_of(root / "styles.csv", above)) if above else None
        rows = [Row(f"images/{n}.jpg", label) for n, label in labels.items() if f"{n}.jpg" in present]
        if not rows:
            raise layout_error(self, root, "there is no picture images/<id>.jpg of a row of styles.csv")
        notes = [f"Rows of styles.csv without a picture, left out: {len(labels) - len(rows)}."]
        if len(present) > len(rows):
            notes.append(f"Pictures without a row of styles.csv, left out: {len(present) - len(rows)}.")
        if variant == "article-held-out":
            drawn = held_out({row.label for row in rows})
            rows = [row._replace(split=drawn[row.label]) for row in rows]
            notes.append(HELD_OUT)
        readable = read_rows(root, rows, scan)
        links = same_pixels(readable, scan)
        other_bytes = sum((readable.digests[a] != readable.digests[b]).any() for a, b in links)
        if other_bytes:
            notes.append(PIXELS.format(other_bytes))
        return build_index(self.name, variant, readable, links=links, families=families, notes=notes)


def parents(labels: Mapping[str, str], above: Mapping[str, str]) -> dict[str, str]:
    """Returns the category that most rows of each label have, the first in the alphabet of those with equally many."""
    counts: dict[str, Counter[str]] = {}
    for row, label in labels.items():
        counts.setdefault(label, Counter())[above[row]] += 1
    return {label: min(found, key=lambda name: (-found[name], name)) for label, found in counts.items()}


def labels_of(path: Path, level: str) -> dict[str, str]:
    """Returns the labels of the column ``level`` by id, over all rows; the last field may hold anything."""
    lines = read_text(path).split("\n")
    columns = lines[0].split(",") if lines else []
    for column in ("id", level):
        if column not in columns:
            raise FsbenchError(f"{path} has no column {column}: restore the published file.")
    number, place = columns.index("id"), columns.index(level)
    labels: dict[str, str] = {}
    for line_number, line in enumerate(lines[1:], start=2):
        cells = [cell.strip() for cell in line.split(",", len(columns) - 1)]
        if not line.strip():
            continue
        if len(cells) < len(columns) or not cells[number].isdigit() or not cells[place]:
            raise FsbenchError(
                f"Line {line_number} of {path} is {line!r}, not {len(columns)} fields with a number as id and the "
                f"{level}: restore the published file."
            )
        if cells[number] in labels:
            raise FsbenchError(f"Line {line_number} of {path} has the id {cells[number]} of an earlier line.")
        labels[cells[number]] = cells[place]
    return labels
