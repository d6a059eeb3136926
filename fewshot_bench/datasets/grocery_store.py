"""Grocery Store Dataset: smartphone photos from shops, with one iconic picture a class."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from fewshot_bench.contract.source import Card, DatasetSource
from fewshot_bench.data.build import Row, build_index, read_rows
from fewshot_bench.data.index import QUERY, SUPPORT, ImageIndex
from fewshot_bench.data.scan import Scan
from fewshot_bench.datasets.held_out import held_out
from fewshot_bench.datasets.locate import layout_error
from fewshot_bench.datasets.table import read_table, read_text
from fewshot_bench.errors import FsbenchError

VIEWPOINTS = (
    "One class folder can hold photos of the same items from several viewpoints, and the set does not say "
    "which; support and query come from the published train and test lists, or from iconic and test."
)
HELD_OUT = (
    "Held out by a fixed draw: coarse classes in order of the sha256 of their names, all classes of the first fifth "
    "novel, those of the second validation. Figures on it cannot be compared with published ones."
)
COARSE = "-coarse"
NAME, NUMBER = "Class Name (str)", "Class ID (int)"
COARSE_NAME, COARSE_NUMBER = "Coarse Class Name (str)", "Coarse Class ID (int)"
ICONIC = "Iconic Image Path (str)"


class Labels(NamedTuple):
    """A fine class of ``classes.csv``: its name, its coarse class's name and number, its picture."""

    fine: str
    coarse: str
    coarse_number: str
    iconic: str


class GroceryStore(DatasetSource):
    """81 fine or 43 coarse classes of groceries; queries are the published test photos, and val.txt stays unread."""

    api_version = 1
    name = "grocery-store"
    folders = ("grocery-store", "GroceryStoreDataset")
    variants = {  # noqa: RUF012
        "iconic": "support is the one iconic picture of a class, queries are test photos",
        "natural": "support from train photos, queries from test photos",
        "iconic-coarse": "as iconic, with the 43 coarse classes of classes.csv and a picture for each fine one",
        "natural-coarse": "as natural, with the 43 coarse classes of classes.csv",
        "natural-held-out": "as natural, all products of a fifth of the coarse classes held out, a fifth to select on",
    }
    card = Card(
        summary="81 fine or 43 coarse classes of fruit, vegetables and packages: photos from shops and iconic "
        "pictures",
        licence="MIT",
        may_show=True,
        published="https://github.com/marcusklasson/GroceryStoreDataset",
        layout="dataset/{train,test}.txt (path, fine label, coarse label), dataset/classes.csv, "
        "dataset/{train,test}/... and dataset/iconic-images-and-descriptions/...",
        reference="Klasson, Zhang, Kjellström: A hierarchical grocery store image dataset with visual and "
        "semantic labels, WACV 2019",
    )

    def load(
        self, root: Path | None = None, variant: str | None = None, scan: Scan | None = None
    ) -> ImageIndex:
        """Returns the index; raises FsbenchError when a list is missing, or a line of one is not what it should be."""
        assert root is not None
        variant = variant or "iconic"
        if not (root / "dataset" / "classes.csv").is_file():
            raise layout_error(self, root, "there is no file dataset/classes.csv")
        labels = read_classes(root / "dataset" / "classes.csv")
        coarse = variant.endswith(COARSE)
        if variant.startswith("iconic"):
            support = [
                Row(f"dataset/{found.iconic.lstrip('/')}", found.coarse if coarse else found.fine, SUPPORT)
                for found in labels.values()
            ]
        else:
            support = self.listed(root, "train", labels, coarse)
        rows = support + self.listed(root, "test", labels, coarse)
        notes = [VIEWPOINTS]
        families = None if coarse else {found.fine: found.coarse for found in labels.values()}
        if variant == "natural-held-out":
            drawn = held_out({found.coarse for found in labels.values()})
            split = {found.fine: drawn[found.coarse] for found in labels.values()}
            rows = [row._replace(split=split[row.label]) for row in rows]
            notes.append(HELD_OUT)
        return build_index(self.name, variant, read_rows(root, rows, scan), families=families, notes=notes)

    def listed(self, root: Path, part: str, labels: Mapping[str, Labels], coarse: bool) -> list[Row]:
        """Returns the rows of ``dataset/<part>.txt``, whose lines are "path, fine label, coarse label"."""
        path = root / "dataset" / f"{part}.txt"
        if not path.is_file():
            raise layout_error(self, root, f"there is no file dataset/{part}.txt")
        pool, test = (QUERY, True) if part == "test" else (SUPPORT, False)
        rows = []
        for number, line in enumerate(read_text(path).splitlines(), start=1):
            fields = [field.strip() for field in line.rsplit(",", 2)]
            if not line.strip():
                continue
            found = labels.get(fields[1]) if len(fields) == 3 else None
            if found is None or found.coarse_number != fields[2]:
                raise FsbenchError(
                    f"Line {number} of {path} is {line!r}, not a path, a fine label of classes.csv and its "
                    "coarse label: restore the published file."
                )
            label = found.coarse if coarse else found.fine
            rows.append(Row(f"dataset/{fields[0].lstrip('/')}", label, pool, test=test))
        if not rows:
            raise FsbenchError(f"{path} lists no pictures: restore the published file.")
        return rows


def read_classes(path: Path) -> dict[str, Labels]:
    """Returns the lines of ``classes.csv`` by fine label (a number)."""
    columns = (NAME, COARSE_NAME, COARSE_NUMBER, ICONIC)
    lines = read_table(path, (NUMBER, *columns))
    return {cells[NUMBER]: Labels(*(cells[column] for column in columns)) for _, cells in lines}
