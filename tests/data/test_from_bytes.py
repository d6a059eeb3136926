"""Pictures in an archive, read as bytes: the index is that of the same pictures as files."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fewshot_bench.data.build import Row
from fewshot_bench.data.from_bytes import index_of_bytes
from fewshot_bench.data.header import headers
from fewshot_bench.data.scan import Scan
from fewshot_bench.datasets.folder import Folder
from fewshot_bench.errors import FsbenchError


def png(seed: int, size: tuple[int, int] = (8, 6)) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


FILES = {f"{label}/{n}.png": png(10 * c + n) for c, label in enumerate("abc") for n in range(4)}
ROWS = [Row(key, key.split("/")[0]) for key in FILES]


def test_an_archive_gives_the_index_of_the_same_files(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "shop.zip", "w") as archive:
        for key, data in FILES.items():
            archive.writestr(key, data)
            (tmp_path / "shop" / key).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "shop" / key).write_bytes(data)
    archive = zipfile.ZipFile(tmp_path / "shop.zip")
    index = index_of_bytes("folder:shop", ((key, key[0]) for key in archive.namelist()), archive.read)
    files = Folder().load(tmp_path / "shop")
    assert index.fingerprint == files.fingerprint
    for row in range(len(index)):
        assert np.array_equal(np.asarray(index.reader(row)), np.asarray(files.reader(row)))
    assert headers(index, Scan())[0][1:] == ("RGB", 8, 6)


def test_groups_pools_splits_guards_and_copies() -> None:
    data = {"1": png(1), "2": png(1), "3": png(3), "4": png(4)}
    rows = [
        Row("1", "x", split="train"), Row("2", "x", split="train"),
        Row("3", "y", group="clip", split="test", pool=1), Row("4", "y", group="clip", split="test", pool=2),
    ]  # fmt: skip
    index = index_of_bytes("shop", rows, data.__getitem__, guards={"y": 3}, notes=["Found in a table."])
    assert index.class_splits == ("base", "novel") and index.guards.tolist() == [0, 3]
    assert index.groups.tolist() == [0, 0, 1, 1] and index.pools.tolist() == [3, 3, 1, 2]
    assert index.digests[0].tobytes() == hashlib.sha256(data["1"]).digest()
    assert index.notes[0] == "Found in a table."


def test_pictures_that_cannot_be_read_are_left_out_and_named() -> None:
    def read(key: str) -> bytes:
        if key == "a/1.png":
            raise RuntimeError("the shard is gone")
        return b"text" if key == "a/2.png" else FILES[key]

    rows = [*ROWS, Row("b/\x1b.png", "b")]
    index = index_of_bytes("shop", rows, read)
    assert dict(index.unreadable) == {
        "a/1.png": "cannot be read: RuntimeError: the shard is gone",
        "a/2.png": "not a picture file",
        "b/\\x1b.png": "its name has a control character",
    }
    assert len(index) == len(ROWS) - 2


def test_a_content_is_decoded_once_and_its_digest_found_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    import fewshot_bench.data.from_bytes as module

    index_of_bytes("shop", ROWS, FILES.__getitem__)
    monkeypatch.setattr(module, "decode", lambda data: pytest.fail("decoded again"))
    assert len(index_of_bytes("shop", ROWS, FILES.__getitem__)) == len(ROWS)


def test_the_function_is_called_by_one_thread_at_a_time() -> None:
    from concurrent.futures import ThreadPoolExecutor

    inside, most = threading.Semaphore(1), []

    def read(key: str) -> bytes:
        most.append(inside.acquire(blocking=False))
        try:
            return FILES[key]
        finally:
            inside.release()

    index = index_of_bytes("shop", ROWS, read)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(index.reader, list(range(len(index))) * 20))
    assert all(most)


def test_bytes_that_changed_are_refused() -> None:
    data = dict(FILES)
    index = index_of_bytes("shop", ROWS, data.__getitem__)
    data["b/1.png"] = png(99)
    with pytest.raises(
        FsbenchError, match="b/1.png of the data set shop has other bytes than when it was indexed"
    ):
        index.reader(index.paths.index("b/1.png"))
    del data["b/2.png"]
    with pytest.raises(FsbenchError, match="b/2.png of the data set shop cannot be read: KeyError"):
        index.reader(index.paths.index("b/2.png"))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("k", "x"), ("k", "y")], "The picture 'k' of shop is listed more than once"),
        ([("k",)], r"shop has the row \('k',\): give Row\(key, label"),
        ([(1, "x")], r"shop has the row \(1, 'x'\)"),
        ([], "None of the 0 pictures listed of shop can be read"),
        ([Row("a/1.png", "x", split="base"), Row("a/2.png", "x", split="all")], "'x' in the splits 'base' and 'all'"),
        ([Row("a/1.png", "x", split="fold1")], "a split in class_splits is 'fold1'"),
    ],
)  # fmt: skip
def test_rows_that_are_no_data_set(rows: list, message: str) -> None:
    with pytest.raises(FsbenchError, match=message):
        index_of_bytes("shop", rows, lambda key: FILES.get(key, png(0)))


def test_a_function_that_gives_no_bytes_is_told_so() -> None:
    with pytest.raises(
        FsbenchError, match=r"read\('a/0.png'\) of the data set shop returned Image: return the bytes"
    ):
        index_of_bytes("shop", ROWS, lambda key: Image.new("RGB", (2, 2)))  # type: ignore[arg-type, return-value]
