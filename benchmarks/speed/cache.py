"""What the embedding cache itself costs: an encoder that does nothing, and pictures that are not decoded.

    python benchmarks/speed/cache.py [--images 50000] [--dim 2048] [--dtype float16] [--folder DIR]

Prints images a second while filling it, seconds of a warm lookup of all, and of one of 256 images in a fresh
cache object, bytes on disk, and the same in proportion for 2 million images.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from fewshot_bench.data.index import BOTH, ImageIndex
from fewshot_bench.embed import EmbeddingCache


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


def main() -> None:
    """Fill, look up, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--dim", type=int, default=2048)
    parser.add_argument("--dtype", choices=["float32", "float16"], default="float16")
    parser.add_argument("--folder", type=Path, default=None)
    options = parser.parse_args()
    index, encoder, every = made_up(options.images), Nothing(options.dim), np.arange(options.images)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        clock = [time.perf_counter()]
        EmbeddingCache(Path(folder)).embed(encoder, index, every, dtype=options.dtype)
        clock.append(time.perf_counter())
        EmbeddingCache(Path(folder)).embed(encoder, index, every, dtype=options.dtype)
        clock.append(time.perf_counter())
        EmbeddingCache(Path(folder)).embed(encoder, index, every[-256:], dtype=options.dtype)
        clock.append(time.perf_counter())
        files = [path.stat().st_size for path in Path(folder).glob("*/*.npy")]
    fill, warm, few = np.diff(clock)
    scale = 2_000_000 / options.images
    print(
        f"{options.images} images of {options.dim} {options.dtype}: filled at "
        f"{options.images / fill:,.0f} images/s, looked up in {warm:.2f} s, 256 of them in "
        f"{1e3 * few:.0f} ms, {sum(files) / 1e6:,.0f} MB in {len(files)} files\n"
        f"in proportion, 2 million: {fill * scale / 60:.0f} min beyond decoding and encoding, "
        f"lookup of all {warm * scale:.0f} s, {sum(files) * scale / 1e9:.1f} GB"
    )


if __name__ == "__main__":
    main()
