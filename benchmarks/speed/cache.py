"""What the embedding cache itself costs: an encoder that does nothing, and pictures that are not decoded.

    python benchmarks/speed/cache.py [--images 50000] [--dim 2048] [--dtype float16] [--folder DIR]

Prints images a second while filling it, seconds of a warm lookup of all, and of one of 256 images in a fresh
cache object, bytes on disk, and the same in proportion for 2 million images; and how much longer a first read of
all vectors takes because their checksums are verified.

100,000 vectors of 1,280 float32 (512 MB) are read in 0.34 s of processor time with their checksums and in 0.09 s
without, on one busy core (--images 100000 --dim 1280 --dtype float32).
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from fewshot_bench.data.index import BOTH, ImageIndex
from fewshot_bench.store.cache import EmbeddingCache


class Nothing:
    """Vectors out of nothing."""

    pretraining = "none"
    name = "nothing"

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def fingerprint(self) -> str:
        """One for each dimension."""
        return f"{self.dim:064x}"

    def prepare(self, image: Image.Image) -> np.ndarray:
        """One byte."""
        return np.zeros(1, np.uint8)

    def encode(self, batch: np.ndarray) -> np.ndarray:
        """Zeros."""
        return np.zeros((len(batch), self.dim), np.float32)


def made_up(images: int) -> ImageIndex:
    """An index of so many different images, all shown as one."""
    picture = Image.new("RGB", (1, 1))
    return ImageIndex(
        name="made up",
        variant="default",
        paths=tuple(map(str, range(images))),
        labels=np.zeros(images, np.int32),
        class_names=("one",),
        class_splits=("all",),
        pools=np.full(images, BOTH, np.uint8),
        groups=np.arange(images),
        positions=np.zeros(images, np.int64),
        guards=np.zeros(1, np.int64),
        digests=np.random.default_rng(0).integers(0, 256, (images, 32), dtype=np.uint8),
        reader=lambda row: picture,
    )


class Cost(NamedTuple):
    """Seconds an image to fill the cache, of a warm lookup of it among all, of one of 256, and bytes on disk.

    ``verified`` and ``trusted`` are seconds of processor time of reading all vectors, first with their checksums
    verified, then without.
    """

    fill: float
    warm: float
    few: float
    size: float
    files: int
    verified: float
    trusted: float


def reading(place: Path, index: ImageIndex, encoder: Nothing, dtype: str, trust: bool) -> float:
    """Seconds of processor time (of the program alone) of reading all vectors; ``trust``: without their checksums."""
    mapped = EmbeddingCache(place).mapped(encoder, index, np.arange(len(index)), dtype=dtype)
    for segment in mapped.segments:
        segment.sound[:] = trust
    began = os.times().user
    mapped[:]
    return os.times().user - began


def cost(images: int, dim: int, dtype: str, folder: Path | None = None) -> Cost:
    """Measure the cache with so many made-up images, in a temporary folder (below ``folder``)."""
    index, encoder, every = made_up(images), Nothing(dim), np.arange(images)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        clock = [time.perf_counter()]
        for rows in (every, every, every[-256:]):
            EmbeddingCache(Path(place)).embed(encoder, index, rows, dtype=dtype)
            clock.append(time.perf_counter())
        times = [
            [reading(Path(place), index, encoder, dtype, trust) for trust in (False, True)] for _ in range(5)
        ]
        sizes = [path.stat().st_size for path in Path(place).glob("*/*.npy")]
    fill, warm, few = np.diff(clock)
    verified, trusted = np.min(times, axis=0)
    return Cost(fill / images, warm / images, few / 256, sum(sizes) / images, len(sizes), verified, trusted)


def main() -> None:
    """Fill, look up, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--dim", type=int, default=2048)
    parser.add_argument("--dtype", choices=["float32", "float16"], default="float16")
    parser.add_argument("--folder", type=Path, default=None)
    options = parser.parse_args()
    found = cost(options.images, options.dim, options.dtype, options.folder)
    print(
        f"{options.images} images of {options.dim} {options.dtype}: filled at "
        f"{1 / found.fill:,.0f} images/s, looked up in {found.warm * options.images:.2f} s, 256 of them in "
        f"{1e3 * 256 * found.few:.0f} ms, {found.size * options.images / 1e6:,.0f} MB in {found.files} files\n"
        f"in proportion, 2 million: {found.fill * 2e6 / 60:.0f} min beyond decoding and encoding, "
        f"lookup of all {found.warm * 2e6:.0f} s, {found.size * 2e6 / 1e9:.1f} GB\n"
        f"reading all vectors: {found.verified:.2f} s with their checksums, {found.trusted:.2f} s without "
        f"({found.verified / found.trusted:.1f} times)"
    )


if __name__ == "__main__":
    main()
