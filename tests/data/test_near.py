"""Near-duplicates: the vectorised search against the definition, each signature worked out once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fewshot_bench.data.build import Row, read_rows
from fewshot_bench.data.near import likeness, near_duplicates, signature, signatures
from fewshot_bench.data.scan import Scan
from fewshot_bench.data.shrink import bilinear, box, shrink


def family(seed: int) -> list[Image.Image]:
    """A smooth picture, brighter and noisier copies of it, and others."""
    rng = np.random.default_rng(seed)
    pictures = []
    for _ in range(3):
        base = np.asarray(
            Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)).resize((40, 50)), dtype=float
        )
        for noise in (0, 3, 10, 40):
            shown = base + rng.normal(0, noise, base.shape) + rng.uniform(-20, 20)
            pictures.append(Image.fromarray(shown.clip(0, 255).astype(np.uint8)))
    return pictures


def is_near(a: Image.Image, b: Image.Image) -> bool:
    """The definition, one pair at a time."""

    def bits(image: Image.Image) -> list[bool]:
        small = shrink(np.asarray(image.convert("L")), 9, 8, bilinear)
        return [bool(small[y, x + 1] > small[y, x]) for y in range(8) for x in range(8)]

    def thumbnail(image: Image.Image) -> NDArray[np.float64]:
        channels = [shrink(np.asarray(channel), 16, 16, box) for channel in image.split()]
        return np.stack(channels, axis=2).astype(float) / 255

    small_a, small_b = thumbnail(a), thumbnail(b)
    differing = sum(x != y for x, y in zip(bits(a), bits(b), strict=True))
    return differing <= 6 and float(np.abs(small_a - small_b).mean()) < 0.05


@pytest.mark.parametrize("seed", range(5))
def test_pairs_are_those_of_the_definition(seed: int) -> None:
    pictures = family(seed)
    signed = np.stack([np.frombuffer(signature(p), dtype=np.uint8) for p in pictures])
    expected = [[i, j] for j in range(len(pictures)) for i in range(j) if is_near(pictures[i], pictures[j])]
    assert sorted(near_duplicates(signed).tolist()) == sorted(expected)
    assert 0 < len(expected) < len(pictures) ** 2 // 2


def test_one_picture_has_no_pairs() -> None:
    assert near_duplicates(np.zeros((1, 776), dtype=np.uint8)).shape == (0, 2)


def test_signatures_are_worked_out_once_a_content(tmp_path: Path, draw: Callable[..., Path]) -> None:
    rows = [Row(draw(tmp_path / f"{i}.png", i % 3).name, "c") for i in range(5)]
    readable = read_rows(tmp_path, rows)
    first = signatures(readable, Scan())
    for row, signed in zip(rows, first, strict=True):
        assert signed.tobytes() == signature(Image.open(tmp_path / row.path))

    def never(path: str) -> Image.Image:
        raise AssertionError(path)

    assert np.array_equal(signatures(replace(readable, open=never), Scan()), first)


def test_the_published_count_of_pairs(real_data: Path) -> None:
    """1,861 pairs in 110 of 120 classes; with Pillow 13's rounding in place of whole numbers there were 1,855."""
    pairs, classes = 0, 0
    for folder in (real_data / "grozi120" / "inSitu").iterdir():
        signed = [
            np.frombuffer(signature(Image.open(path).convert("RGB")), dtype=np.uint8)
            for path in folder.glob("video/*.png")
        ]
        count = len(near_duplicates(np.stack(signed)))
        pairs, classes = pairs + count, classes + (count > 0)
    assert (pairs, classes) == (1861, 110)


def test_the_hash_is_imagehash_but_for_its_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    """With bilinear in place of Lanczos, an independent difference hash has the same 64 bits."""
    imagehash = pytest.importorskip("imagehash")
    monkeypatch.setattr(imagehash, "ANTIALIAS", Image.Resampling.BILINEAR)
    for picture in [p for seed in range(4) for p in family(seed)]:
        ours = np.unpackbits(np.frombuffer(signature(picture)[:8], dtype=np.uint8))
        assert np.array_equal(ours.astype(bool), imagehash.dhash(picture).hash.reshape(-1))


def signed(pictures: list[Image.Image]) -> np.ndarray:
    return np.stack([np.frombuffer(signature(picture), dtype=np.uint8) for picture in pictures])


def test_likeness_is_the_cosine_of_edges() -> None:
    a, b = signed(family(0)), signed(family(1))

    def edges(row: np.ndarray) -> np.ndarray:
        small = row[8:].reshape(16, 16, 3).astype(float)
        rows, columns = np.gradient(small, axis=(0, 1))
        return np.concatenate([columns[1:-1, 1:-1].ravel(), rows[1:-1, 1:-1].ravel()])

    def slow(x: np.ndarray, y: np.ndarray) -> float:
        return float(edges(x) @ edges(y) / np.linalg.norm(edges(x)) / np.linalg.norm(edges(y)))

    expected = [slow(x, y) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(likeness(a, b), expected, atol=1e-12)
    np.testing.assert_allclose(likeness(a, a), 1)


def test_likeness_of_pictures_without_an_edge() -> None:
    flat, other = (signed([Image.new("RGB", (20, 20), grey)]) for grey in ("black", "white"))
    assert likeness(flat, other).tolist() == [1.0]
    assert likeness(flat, signed(family(0)[:1])).tolist() == [0.0]
    assert likeness(flat[:0], other[:0]).shape == (0,)


def test_likeness_tells_a_copy_from_another_picture() -> None:
    picture, *_, other = family(3)
    copy = picture.resize((20, 25)).point(lambda value: min(255, round(1.1 * value)))
    values = likeness(signed([picture, picture]), signed([copy, other]))
    assert values[0] > 0.98 > 0.8 > values[1]
