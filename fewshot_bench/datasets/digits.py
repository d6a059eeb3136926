"""scikit-learn's handwritten digits: real, tiny, and there without a download."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fewshot_bench.contract.source import Card, DatasetSource
from fewshot_bench.data.groups import join, same_content
from fewshot_bench.data.index import BOTH, ImageIndex
from fewshot_bench.data.scan import Scan

SCALE = 8
"""Each of the 8×8 values becomes a square of this many pixels a side."""

NOTE = "The set does not say who wrote a digit: digits of one writer may stand on both sides of an episode."


@dataclass(frozen=True, eq=False)
class Squares:
    """Draws the digit of a row number as dark ink on white, 64×64 RGB."""

    ink: NDArray[np.uint8]

    def __call__(self, row: int) -> Image.Image:
        grey = 255 - np.rint(self.ink[row] * (255 / 16)).astype(np.uint8)
        return Image.fromarray(np.kron(grey, np.ones((SCALE, SCALE), dtype=np.uint8))).convert("RGB")


class Digits(DatasetSource):
    """1,797 digits of 8×8 values from 0 (paper) to 16 (ink)."""

    api_version = 1
    name = "digits"
    card = Card(
        summary="1,797 handwritten digits, 8x8, that come with scikit-learn",
        licence="CC BY 4.0",
        may_show=True,
        published="https://archive.ics.uci.edu/dataset/80 (test part), sklearn.datasets.load_digits",
        layout="no files",
        reference="Alpaydin, Kaynak: Optical recognition of handwritten digits, UCI, 1998",
    )

    def load(
        self, root: Path | None = None, variant: str | None = None, scan: Scan | None = None
    ) -> ImageIndex:
        """Returns the index; digests are of the values and the scale, and identical digits of a class are one group."""
        del root, scan
        from sklearn.datasets import load_digits

        found = load_digits()
        ink = found.images.astype(np.uint8)
        labels = found.target.astype(np.int32)
        recipe = f"digits {SCALE}\n".encode()
        sha = b"".join(hashlib.sha256(recipe + image.tobytes()).digest() for image in ink)
        digests = np.frombuffer(sha, dtype=np.uint8).reshape(-1, 32)
        links, _ = same_content(digests, labels)
        count = len(labels)
        return ImageIndex(
            name=self.name,
            variant=variant or "default",
            paths=tuple(f"{label}/{row:04d}" for row, label in enumerate(labels)),
            labels=labels,
            class_names=tuple(str(digit) for digit in range(10)),
            class_splits=("all",) * 10,
            pools=np.full(count, BOTH, dtype=np.uint8),
            groups=join([None] * count, links),
            positions=np.zeros(count, dtype=np.int64),
            guards=np.zeros(10, dtype=np.int64),
            digests=digests,
            reader=Squares(ink),
            notes=(NOTE,),
        )
