"""Near-duplicates: the vectorised search against the definition, each signature worked out once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fewshot_bench.data import once
from fewshot_bench.data.build import Row, read_rows
from fewshot_bench.data.near import near_duplicates, signature, signatures
from fewshot_bench.data.scan import Scan


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
        small = image.convert("L").resize((9, 8), Image.Resampling.BILINEAR)
        return [small.getpixel((x + 1, y)) > small.getpixel((x, y)) for y in range(8) for x in range(8)]

    small_a, small_b = (
        np.asarray(image.resize((16, 16), Image.Resampling.BOX), dtype=float) / 255 for image in (a, b)
    )
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


def test_signatures_are_worked_out_once_a_content(
    tmp_path: Path, draw: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [Row(draw(tmp_path / f"{i}.png", i % 3).name, "c") for i in range(5)]
    readable = read_rows(tmp_path, rows)
    first = signatures(readable, Scan())
    for row, signed in zip(rows, first, strict=True):
        assert signed.tobytes() == signature(Image.open(tmp_path / row.path))

    def never(path: Path) -> Image.Image:
        raise AssertionError(path)

    monkeypatch.setattr(once, "open_rgb", never)
    assert np.array_equal(signatures(readable, Scan()), first)


def test_the_published_count_of_pairs(real_data: Path) -> None:
    """1,855 pairs in 110 of 120 classes: what the set's own description counts by the same definition."""
    pairs, classes = 0, 0
    for folder in (real_data / "grozi120" / "inSitu").iterdir():
        signed = [
            np.frombuffer(signature(Image.open(path).convert("RGB")), dtype=np.uint8)
            for path in folder.glob("video/*.png")
        ]
        count = len(near_duplicates(np.stack(signed)))
        pairs, classes = pairs + count, classes + (count > 0)
    assert (pairs, classes) == (1855, 110)
