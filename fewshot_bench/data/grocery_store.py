"""Grocery Store Dataset: smartphone photos from shops, with one iconic picture a class."""

from __future__ import annotations

import csv
from pathlib import Path

from fewshot_bench.data.build import Row, build_index, read_rows
from fewshot_bench.data.index import QUERY, SUPPORT, ImageIndex
from fewshot_bench.data.locate import layout_error
from fewshot_bench.data.scan import Scan
from fewshot_bench.data.source import Card, DatasetSource
from fewshot_bench.errors import FsbenchError

VIEWPOINTS = (
    "One class folder can hold photos of the same items from several viewpoints, and the set does not say "
    "which; support and query come from the published train and test lists, or from iconic and test."
)


class GroceryStore(DatasetSource):
    """81 fine classes; queries are the published test photos, so that the validation list stays unread."""

    api_version = 1
    name = "grocery-store"
    folders = ("grocery-store", "GroceryStoreDataset")
    variants = {  # noqa: RUF012
        "iconic": "support is the one iconic picture of a class, queries are test photos",
        "natural": "support from train photos, queries from test photos",
    }
    card = Card(
        summary="81 fine classes of fruit, vegetables and packages: photos from shops and iconic pictures",
        licence="MIT",
        published="https://github.com/marcusklasson/GroceryStoreDataset",
        layout="dataset/{train,test}.txt (path, fine label, coarse label), dataset/classes.csv, "
        "dataset/{train,test}/... and dataset/iconic-images-and-descriptions/...",
        reference="Klasson, Zhang, Kjellström: A hierarchical grocery store image dataset with visual and "
        "semantic labels, WACV 2019",
    )

    def load(
        self, root: Path | None = None, variant: str | None = None, scan: Scan | None = None
    ) -> ImageIndex:
        """Raises FsbenchError when a list is missing, or a line of one is not what it should be."""
        assert root is not None
        variant = variant or "iconic"
        if not (root / "dataset" / "classes.csv").is_file():
            raise layout_error(self, root, "there is no file dataset/classes.csv")
        with (root / "dataset" / "classes.csv").open(encoding="utf-8-sig", newline="") as file:
            table = list(csv.reader(file))[1:]
        names = {line[1].strip(): line[0].strip() for line in table if len(line) >= 5}
        if variant == "iconic":
            support = [
                Row(f"dataset/{line[4].strip().lstrip('/')}", line[0].strip(), SUPPORT)
                for line in table
                if len(line) >= 5
            ]
        else:
            support = self.listed(root, "train", names, SUPPORT)
        rows = support + self.listed(root, "test", names, QUERY)
        return build_index(self.name, variant, read_rows(root, rows, scan), notes=[VIEWPOINTS])

    def listed(self, root: Path, part: str, names: dict[str, str], pool: int) -> list[Row]:
        """The rows of ``dataset/<part>.txt``: "path, fine label, coarse label" a line."""
        path = root / "dataset" / f"{part}.txt"
        if not path.is_file():
            raise layout_error(self, root, f"there is no file dataset/{part}.txt")
        rows = []
        for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
            fields = [field.strip() for field in line.rsplit(",", 2)]
            if not line.strip():
                continue
            if len(fields) != 3 or fields[1] not in names:
                raise FsbenchError(
                    f"Line {number} of {path} is {line!r}, not a path, a fine label of classes.csv and a "
                    "coarse label: restore the published file."
                )
            rows.append(Row(f"dataset/{fields[0].lstrip('/')}", names[fields[1]], pool))
        return rows
