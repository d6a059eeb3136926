"""Fashion Product Images (Kaggle): shop pictures of garments, with three levels of labels."""

from __future__ import annotations

from pathlib import Path

from fewshot_bench.data.build import Row, build_index, read_rows
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.data.locate import layout_error
from fewshot_bench.data.scan import Scan
from fewshot_bench.data.source import Card, DatasetSource
from fewshot_bench.errors import FsbenchError

LEVELS = {"article": "articleType", "sub": "subCategory", "master": "masterCategory"}


class KaggleFashion(DatasetSource):
    """Rows of ``styles.csv`` that have a picture; pictures with identical bytes are one group."""

    api_version = 1
    name = "kaggle-fashion"
    folders = ("kaggle-fashion", "fashion-product-images-dataset", "fashion-product-images-small")
    variants = {  # noqa: RUF012
        "article": "classes are article types, such as Jeans",
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
        """Raises FsbenchError when ``styles.csv`` or a column is missing."""
        assert root is not None
        variant = variant or "article"
        if not (root / "styles.csv").is_file():
            raise layout_error(self, root, "there is no file styles.csv")
        lines = (root / "styles.csv").read_text(encoding="utf-8-sig").splitlines()
        columns = lines[0].split(",") if lines else []
        for column in ("id", LEVELS[variant]):
            if column not in columns:
                raise FsbenchError(
                    f"{root / 'styles.csv'} has no column {column}: restore the published file."
                )
        number, level = columns.index("id"), columns.index(LEVELS[variant])
        # only the last field, the product's name, may hold commas (unquoted) or quotes
        cells = [line.split(",", len(columns) - 1) for line in lines[1:] if line.strip()]
        present = {path.name for path in (root / "images").glob("*.jpg")}
        rows = [
            Row(f"images/{line[number]}.jpg", line[level])
            for line in cells
            if len(line) > max(number, level) and f"{line[number]}.jpg" in present
        ]
        if not rows:
            raise layout_error(self, root, "there is no picture images/<id>.jpg of a row of styles.csv")
        note = f"Rows of styles.csv without a picture, left out: {len(cells) - len(rows)}."
        return build_index(self.name, variant, read_rows(root, rows, scan), notes=[note])
