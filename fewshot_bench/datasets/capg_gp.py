"""CAPG-GP: 102 grocery products of two shops, for recognition from one picture each."""

from __future__ import annotations

from pathlib import Path

from fewshot_bench.contract.source import Card, DatasetSource
from fewshot_bench.data.build import Row, build_index, read_rows
from fewshot_bench.data.index import QUERY, SUPPORT, ImageIndex
from fewshot_bench.data.scan import Scan
from fewshot_bench.datasets.class_folders import Below, class_rows, names_in
from fewshot_bench.datasets.complete import incomplete
from fewshot_bench.datasets.locate import layout_error
from fewshot_bench.datasets.table import read_table
from fewshot_bench.errors import FsbenchError

POOLS = {"train": SUPPORT, "test": QUERY}
PRODUCTS = 102


class CapgGp(DatasetSource):
    """102 grocery products; support comes from the train pictures, queries from the test pictures."""

    api_version = 1
    name = "capg-gp"
    folders = ("capg-gp", "CAPG-GP", "capg_gp")
    card = Card(
        summary="102 grocery products of two shops, for recognition from one train picture each",
        licence="none stated: research use",
        published="http://zju-capg.org/research_en_grocery_product.html (the archive's layout is not documented)",
        layout="{train,test}/<product>/<picture>, or one CSV file path,label,split with train or test as split",
        reference="Geng et al.: Fine-grained grocery product recognition by one-shot learning, ACM MM 2018",
    )

    def load(
        self, root: Path | None = None, variant: str | None = None, scan: Scan | None = None
    ) -> ImageIndex:
        """Returns the index; raises FsbenchError when neither layout is there, or one of train and test is empty."""
        assert root is not None
        tables = [root / name for name in names_in(root) if name.lower().endswith(".csv")]
        if len(tables) > 1:
            raise layout_error(self, root, f"it has {len(tables)} CSV files, and one says what is what")
        below = listed(tables[0]) if tables else in_folders(root)
        rows = below.rows
        for part, pool in POOLS.items():
            if not any(row.pool == pool for row in rows):
                raise layout_error(self, root, f"it has no {part} picture")
        count = len({row.label for row in rows})
        notes = [*below.notes, *incomplete(count, PRODUCTS, "Products")]
        return build_index(self.name, variant or "default", read_rows(root, rows, scan), notes=notes)


def in_folders(root: Path) -> Below:
    """Returns the rows of ``train/<product>/<picture>`` and ``test/<product>/<picture>``."""
    rows, notes = [], []
    for part, pool in POOLS.items():
        found = class_rows(root, part)
        rows += [row._replace(pool=pool, test=part == "test") for row in found.rows]
        notes += found.notes
    return Below(rows, notes)


def listed(path: Path) -> Below:
    """Returns the rows of a CSV file path,label,split, whose paths are relative to its folder."""
    rows = []
    for number, cells in read_table(path, ("path", "label", "split")):
        part = cells["split"]
        if part not in POOLS:
            raise FsbenchError(f"Line {number} of {path} has the split {part!r}: write train or test.")
        rows.append(Row(cells["path"], cells["label"], POOLS[part], test=part == "test"))
    return Below(rows, [])
