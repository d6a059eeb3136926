"""How well near-duplicates are told: copies found again, look-alikes of other classes not taken for copies.

Pictures of each data set are saved again as JPEG, scaled, made brighter and cropped; how many of these copies are
near-duplicates (``fewshot_bench/data/near.py``) of likeness 0.98 or more? And how many pairs of pictures of
different classes, which cannot be copies? Beside it, how ImageHash's ``dhash`` would change the pairs.

    python -m benchmarks.near_duplicates [--data-root DIR] [--pictures 200] [DATASET ...]
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from fewshot_bench.audit.alike import alike
from fewshot_bench.audit.exposure import COPY
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.data.near import HASH_BYTES, index_signatures, likeness, near_duplicates, signature
from fewshot_bench.data.scan import Scan
from fewshot_bench.datasets.find import open_dataset

SETS = ("grozi120", "kaggle-fashion", "omniglot", "miniimagenet", "grocery-store")


def jpeg(image: Image.Image) -> Image.Image:
    """Saved as JPEG of quality 30."""
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=30)
    return Image.open(stream).convert("RGB")


def half(image: Image.Image) -> Image.Image:
    """Half the width and height."""
    return image.resize((max(8, image.width // 2), max(8, image.height // 2)), Image.Resampling.LANCZOS)


def brighter(image: Image.Image) -> Image.Image:
    """A tenth brighter."""
    return ImageEnhance.Brightness(image).enhance(1.1)


def cropped(image: Image.Image) -> Image.Image:
    """Two percent of the width and height cut off, and scaled back."""
    width, height = image.size
    box = (round(width * 0.01), round(height * 0.01), round(width * 0.99), round(height * 0.99))
    return image.crop(box).resize(image.size)


def sign(image: Image.Image) -> NDArray[np.uint8]:
    """The signature as an array [776]."""
    return np.frombuffer(signature(image), dtype=np.uint8)


def found_again(images: list[Image.Image], change: Callable[[Image.Image], Image.Image]) -> float:
    """The share of pictures whose changed copy is found to be one."""
    pairs = [np.stack([sign(image), sign(change(image))]) for image in images]
    return float(np.mean([len(near_duplicates(p)) > 0 and likeness(p[:1], p[1:])[0] >= COPY for p in pairs]))


def other_hash(index: ImageIndex, signed: NDArray[np.uint8]) -> str:
    """Hashes and pairs within classes that ImageHash would change; empty where it is not installed."""
    try:
        import imagehash
    except ImportError:
        return ""
    theirs = signed.copy()
    for row in range(len(index)):
        theirs[row, :HASH_BYTES] = np.packbits(imagehash.dhash(index.reader(row)).hash)
    changed = float((theirs != signed).any(axis=1).mean())
    pairs = [
        {
            (c, *pair)
            for c in range(len(index.class_names))
            for pair in map(tuple, near_duplicates(s[index.labels == c]))
        }
        for s in (signed, theirs)
    ]
    return f"ImageHash: {changed:.1%} of hashes differ, {len(pairs[0] - pairs[1])} of {len(pairs[0])} pairs are missed"


def main() -> None:
    """Print the figures of each data set."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("datasets", nargs="*", default=SETS)
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--pictures", type=int, default=200)
    options = parser.parse_args()
    for name in options.datasets:
        index = open_dataset(name, data_root=options.data_root)
        signed = index_signatures(index, Scan())
        rows = np.random.default_rng(0).permutation(len(index))
        images = [index.reader(int(row)) for row in rows[: options.pictures]]
        shares = ", ".join(
            f"{f.__name__} {found_again(images, f):.0%}" for f in (jpeg, half, brighter, cropped)
        )
        own = other = copies = 0
        for part in alike(rows, signed):
            foreign = index.labels[part.rows] != index.labels[part.others]
            own, other = own + int((~foreign).sum()), other + int(foreign.sum())
            copies += int((part.likeness[foreign] >= COPY).sum())
        print(f"{name}: copies found again: {shares}")
        print(
            f"  near-duplicates: {own // 2} pairs within classes; {other // 2} between classes, "
            f"{copies // 2} of them copies"
        )
        if text := other_hash(index, signed):
            print(f"  {text}")


if __name__ == "__main__":
    main()
