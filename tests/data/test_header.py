"""Headers: sizes as a person sees them, without decoding, once in the life of a content."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageFile

from fewshot_bench.data.header import Header, headers
from fewshot_bench.data.scan import Scan
from fewshot_bench.datasets.digits import Digits
from fewshot_bench.datasets.folder import Folder
from fewshot_bench.datasets.locate import load_dataset
from fewshot_bench.errors import FsbenchError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "c").mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 20), "red").save(tmp_path / "c" / "1.jpg")
    Image.new("RGB", (30, 20), "red").save(tmp_path / "c" / "2.jpg", exif=exif)
    Image.new("1", (7, 9)).save(tmp_path / "c" / "3.png")
    Image.new("L", (30, 20), 9).save(tmp_path / "c" / "4.png", exif=exif)
    return tmp_path


def test_sizes_formats_and_modes(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = load_dataset(Folder(), path=root)
    with monkeypatch.context() as patch:
        patch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded"))
        found = headers(index, Scan())
    assert found == [
        Header("JPEG", "RGB", 30, 20),
        Header("JPEG", "RGB", 20, 30),
        Header("PNG", "1", 7, 9),
        Header("PNG", "L", 20, 30),
    ]
    for row, header in enumerate(found):
        assert index.reader(row).size == (header.width, header.height)
    for path in root.glob("c/*"):
        path.unlink()
    assert headers(index, Scan()) == found
    assert headers(index, Scan(), [2, 0]) == [found[2], found[0]]


def test_pictures_without_a_file() -> None:
    index = load_dataset(Digits())
    assert headers(index, Scan(), [3, 5]) == [Header("no file", "RGB", 64, 64)] * 2


def test_a_file_that_is_gone_is_one_sentence(root: Path) -> None:
    index = load_dataset(Folder(), path=root)
    (root / "c" / "1.jpg").unlink()
    with pytest.raises(FsbenchError, match=r"1\.jpg cannot be read \(no such file"):
        headers(index, Scan())
