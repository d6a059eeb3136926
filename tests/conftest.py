"""A tiny data set of plain coloured pictures and an encoder that counts what it is asked."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fewshot_bench.data.index import BOTH, ImageIndex


def picture(value: int) -> Image.Image:
    return Image.new("RGB", (6, 4), (value % 256, value // 256, 7))


def make_index(values, reader=None) -> ImageIndex:
    """An index whose image in row i is a plain picture of colour ``values[i]``."""
    values = [int(v) for v in values]
    m = len(values)
    digests = [hashlib.sha256(v.to_bytes(4, "little")).digest() for v in values]
    return ImageIndex(
        name="plain",
        variant="default",
        paths=tuple(f"{i}.png" for i in range(m)),
        labels=np.zeros(m, np.int32),
        class_names=("only",)[:m],
        class_splits=("all",)[:m],
        pools=np.full(m, BOTH, np.uint8),
        groups=np.arange(m),
        positions=np.zeros(m, np.int64),
        guards=np.zeros(min(m, 1), np.int64),
        digests=np.frombuffer(b"".join(digests), np.uint8).reshape(m, 32),
        reader=reader or (lambda row: picture(values[row])),
    )


@dataclass
class Counting:
    """Vectors [red, green, 1]; remembers every batch."""

    print: str = "a" * 64
    batches: list[np.ndarray] = field(default_factory=list)
    name: str = "counting"
    pretraining: str = "none"

    @property
    def colours(self) -> list[int]:
        """The distinct colours encoded so far, padding aside."""
        return [int(c) for b in self.batches for c in dict.fromkeys((b[:, 0] + 256 * b[:, 1]).tolist())]

    def fingerprint(self) -> str:
        return self.print

    def prepare(self, image):
        return np.array([*image.getpixel((0, 0))[:2], 1], dtype=np.int64)

    def encode(self, batch):
        self.batches.append(batch)
        return batch.astype(np.float32)


def vectors_of(values) -> np.ndarray:
    return np.array([[v % 256, v // 256, 1] for v in values], dtype=np.float32).reshape(len(values), 3)


@pytest.fixture(scope="session")
def plain():
    """``plain(values)``: an index of plain pictures."""
    return make_index


@pytest.fixture(scope="session")
def counting():
    """``counting()``: a counting encoder."""
    return Counting


@pytest.fixture(scope="session")
def expected():
    """``expected(values)``: the vectors of pictures of these colours."""
    return vectors_of


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium; tests are skipped where it, its driver or selenium is not installed."""
    webdriver = pytest.importorskip(
        "selenium.webdriver", reason="selenium is not installed: no browser is driven"
    )
    program = shutil.which("chromium") or shutil.which("google-chrome")
    service = shutil.which("chromedriver")
    if not (program and service):
        pytest.skip("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,900"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(service))
    yield driver
    driver.quit()
