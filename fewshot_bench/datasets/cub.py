"""CUB-200-2011: 11,788 pictures of 200 kinds of birds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fewshot_bench.contract.source import Card, DatasetSource
from fewshot_bench.data.build import Row, build_index, read_rows
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.data.scan import Scan
from fewshot_bench.datasets.complete import incomplete
from fewshot_bench.datasets.locate import layout_error
from fewshot_bench.datasets.splits import read_split
from fewshot_bench.datasets.table import read_text
from fewshot_bench.errors import FsbenchError

IMAGES, LABELS, TRAIN, CLASSES = "images.txt", "image_class_labels.txt", "train_test_split.txt", "classes.txt"
PICTURES = 11_788
SEEN = (
    "The authors of CUB warn that some of its pictures are in ImageNet as well: weights that were trained on "
    "ImageNet may have seen them."
)


class Cub(DatasetSource):
    """200 kinds of birds; episodes are of the 50 novel classes.

    ``--protocol classification`` takes the published train/test split.
    """

    api_version = 1
    name = "cub"
    folders = ("CUB_200_2011", "cub", "CUB-200-2011")
    variants = {"default": "100 base, 50 validation and 50 novel classes, as Chen et al. 2019 split them"}  # noqa: RUF012
    card = Card(
        summary="11,788 pictures of 200 kinds of birds, split 100 / 50 / 50",
        licence="none of the pictures' own: research and education, not commercial",
        published="https://www.vision.caltech.edu/datasets/cub_200_2011/",
        layout="images.txt, image_class_labels.txt, train_test_split.txt, classes.txt and images/<class>/<file>, in "
        "the folder itself or in CUB_200_2011 below it",
        reference="Wah, Branson, Welinder, Perona, Belongie: The Caltech-UCSD Birds-200-2011 dataset, 2011; "
        "split: Chen, Liu, Kira, Wang, Huang: A closer look at few-shot classification, ICLR 2019",
    )

    def load(
        self, root: Path | None = None, variant: str | None = None, scan: Scan | None = None
    ) -> ImageIndex:
        """Returns the index; raises FsbenchError when a list is missing or lacks a picture that another list names."""
        assert root is not None
        if not (root / IMAGES).is_file() and (root / "CUB_200_2011").is_dir():
            root = root / "CUB_200_2011"
        for file in (IMAGES, LABELS, TRAIN, CLASSES):
            if not (root / file).is_file():
                raise layout_error(self, root, f"there is no file {file}")
        names = numbered(root / CLASSES)
        pictures, labels, train = (numbered(root / file) for file in (IMAGES, LABELS, TRAIN))
        split = {row["class"]: row["split"] for row in read_split("cub")}
        rows = []
        for number, path in pictures.items():
            label, side = labels.get(number), train.get(number)
            if label not in names or label not in split or side not in ("0", "1"):
                raise FsbenchError(
                    f"The picture {number} of {root / IMAGES} has class {label} in {LABELS} and train/test {side} in "
                    f"{TRAIN}, not a class of {CLASSES} (1 to 200), and 0 or 1: restore the published files."
                )
            rows.append(Row(f"images/{path}", names[label], split=split[label], test=side == "0"))
        if not rows:
            raise FsbenchError(f"{root / IMAGES} lists no pictures: restore the published file.")
        notes = [SEEN, *incomplete(len(rows), PICTURES)]
        index = build_index(self.name, variant or "default", read_rows(root, rows, scan), notes=notes)
        return replace(index, seen_by=("ImageNet",))


def numbered(path: Path) -> dict[str, str]:
    """Returns the values of a list with lines "number value", by number; each number stands once."""
    found: dict[str, str] = {}
    for line_number, line in enumerate(read_text(path).splitlines(), start=1):
        number, _, value = line.strip().partition(" ")
        if not line.strip():
            continue
        if not number.isdigit() or not value or number in found:
            raise FsbenchError(
                f"Line {line_number} of {path} is {line!r}, not a new number and a value: restore the published file."
            )
        found[number] = value.strip()
    return found
