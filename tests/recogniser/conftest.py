"""A small shop: five products of 1 to 4 references, new pictures of each and of none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    looks = rng.integers(30, 220, (9, 6, 6, 3)).repeat(2, axis=1).repeat(2, axis=2)

    def save(path: str, look: int) -> None:
        noisy = np.clip(looks[look] + rng.integers(-20, 21, looks[0].shape), 0, 255).astype(np.uint8)
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noisy).save(tmp_path / path)

    for c in range(5):
        for i in range(1 + c % 4):
            save(f"shop/Größe {c}/{i}.png", c)
        for i in range(2):
            save(f"new/{c} {i}.png", c)
    for c in range(5, 9):
        save(f"unknown/{c}.png", c)
    return tmp_path
