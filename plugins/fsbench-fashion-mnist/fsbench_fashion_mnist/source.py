"""Fashion-MNIST: 70,000 grey pictures of garments, 28 × 28, in ten classes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from fewshot_bench.api import BOTH, Card, DatasetSource, FsbenchError, ImageIndex, Scan, layout_error
from fsbench_fashion_mnist.arrays import SIDE, Array, read_idx, read_table

NAMES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
PARTS = {"train": "train", "test": "t10k"}
PLACES = ("", "raw", "FashionMNIST/raw")
"""Folders below the root that may hold the files: as downloaded, and as torchvision keeps them."""


@dataclass(frozen=True, eq=False)
class Grey:
    """Gives the picture of a row number as it is published, light on black, as RGB."""

    pictures: Array

    def __call__(self, row: int) -> Image.Image:
        return Image.fromarray(self.pictures[row]).convert("RGB")


class FashionMnist(DatasetSource):
    """Ten kinds of garments; any picture may be support or query in an episode.

    ``--protocol classification`` takes the published train/test split.
    """

    api_version = 1
    name = "fashion-mnist"
    folders = ("fashion-mnist", "fashionmnist", "FashionMNIST")
    card = Card(
        summary="70,000 grey pictures of garments and accessories, 28x28, ten classes",
        licence="MIT",
        may_show=True,
        published="https://github.com/zalandoresearch/fashion-mnist "
        "(CSV: https://www.kaggle.com/datasets/zalando-research/fashionmnist)",
        layout="{train,t10k}-images-idx3-ubyte and {train,t10k}-labels-idx1-ubyte, with or without .gz, or "
        "fashion-mnist_{train,test}.csv, in the folder itself, in raw or in FashionMNIST/raw",
        reference="Xiao, Rasul, Vollgraf: Fashion-MNIST: a novel image dataset for benchmarking machine learning "
        "algorithms, 2017",
    )

    def load(
        self, root: Path | None = None, variant: str | None = None, scan: Scan | None = None
    ) -> ImageIndex:
        """Returns the index; digests are of the values.

        Pictures of a class with equal values are one group. Raises FsbenchError when a file is missing or not
        what it should be.
        """
        assert root is not None
        found = [self.part(root, part) for part in PARTS]
        labels = np.concatenate([part[0] for part in found]).astype(np.int32)
        pictures = np.concatenate([part[1] for part in found])
        digests = [hashlib.sha256(b"grey 28\n" + picture.tobytes()).digest() for picture in pictures]
        keys = zip(digests, labels.tolist(), strict=True)
        group: dict[tuple[bytes, int], int] = {}
        count, classes = len(labels), len(NAMES)
        return ImageIndex(
            name=self.name,
            variant=variant or "default",
            paths=tuple(
                f"{part}/{i:05d}"
                for part, (own, _) in zip(PARTS, found, strict=True)
                for i in range(len(own))
            ),
            labels=labels,
            class_names=NAMES,
            class_splits=("all",) * classes,
            pools=np.full(count, BOTH, dtype=np.uint8),
            groups=np.array([group.setdefault(key, len(group)) for key in keys], dtype=np.int64),
            positions=np.zeros(count, dtype=np.int64),
            guards=np.zeros(classes, dtype=np.int64),
            digests=np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, 32),
            reader=Grey(pictures),
            test=np.repeat([False, True], [len(own) for own, _ in found]),
        )

    def part(self, root: Path, part: str) -> tuple[Array, Array]:
        """Returns labels ``[M]`` and pictures ``[M, 28, 28]`` of ``train`` or ``test``."""
        stem = PARTS[part]
        files = [find(root, f"{stem}-{kind}-ubyte") for kind in ("labels-idx1", "images-idx3")]
        table = find(root, f"fashion-mnist_{part}.csv")
        if table is not None and None in files:
            labels, pictures = read_table(table)
        elif files[0] is not None and files[1] is not None:
            labels, pictures = read_idx(files[0]), read_idx(files[1])
        else:
            missing = f"{stem}-{'labels-idx1' if files[0] is None else 'images-idx3'}-ubyte.gz"
            raise layout_error(self, root, f"there is no file {missing}")
        if (
            labels.ndim != 1
            or pictures.shape != (len(labels), SIDE, SIDE)
            or set(labels.tolist()) - set(range(10))
        ):
            raise FsbenchError(
                f"The {part} files in {root} hold {list(labels.shape)} labels up to {labels.max(initial=0)} and "
                f"{list(pictures.shape)} values, not as many pictures of 28 x 28 as labels from 0 to 9: restore "
                "the published files."
            )
        return labels, pictures


def find(root: Path, name: str) -> Path | None:
    """Returns the file of a name, or of that name with .gz, in the first of ``PLACES`` that has it."""
    paths = (root / place / f"{name}{end}" for place in PLACES for end in ("", ".gz"))
    return next((path for path in paths if path.is_file()), None)
