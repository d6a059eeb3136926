"""Fashion-MNIST as published and as Kaggle's table: the same pictures, as torchvision reads them."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import fewshot_bench as fb
from fewshot_bench.contract import registry
from fewshot_bench.datasets.locate import load_dataset
from fewshot_bench.errors import FsbenchError

arrays = pytest.importorskip("fsbench_fashion_mnist.arrays")
source = pytest.importorskip("fsbench_fashion_mnist.source")

PARTS = {"train": ("train", 40), "test": ("t10k", 20)}


def gz(data: bytes) -> bytes:
    """Gzipped, without the time: the name of a test says the bytes."""
    return gzip.compress(data, mtime=0)


def made(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Labels and pictures of a part: each class in turn, and the second picture of class 0 twice."""
    stem, count = PARTS[part]
    pictures = np.random.default_rng(len(stem)).integers(0, 256, (count, 28, 28), dtype=np.uint8)
    pictures[10] = pictures[0]
    return np.arange(count, dtype=np.uint8) % 10, pictures


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4) for n in array.shape) + array.tobytes()


def as_idx(root: Path, *, packed: bool = True, place: str = "") -> None:
    (root / place).mkdir(parents=True, exist_ok=True)
    for part, (stem, _) in PARTS.items():
        for kind, array in zip(("labels-idx1", "images-idx3"), made(part), strict=True):
            data = idx(array)
            name = f"{stem}-{kind}-ubyte" + (".gz" if packed else "")
            (root / place / name).write_bytes(gz(data) if packed else data)


def as_table(root: Path) -> None:
    for part in PARTS:
        labels, pictures = made(part)
        header = ",".join(["label", *(f"pixel{i}" for i in range(1, 785))])
        table = np.concatenate([labels[:, None], pictures.reshape(len(labels), -1)], axis=1)
        lines = [",".join(map(str, row)) for row in table.tolist()]
        (root / f"fashion-mnist_{part}.csv").write_text("\n".join([header, *lines]) + "\n")


FORMS: list[Callable[[Path], None]] = [
    as_idx,
    as_table,
    lambda root: as_idx(root, packed=False),
    lambda root: as_idx(root, place="raw"),
    lambda root: as_idx(root, packed=False, place="FashionMNIST/raw"),
]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_data_set(tmp_path: Path, form: Callable[[Path], None]) -> None:
    form(tmp_path)
    index = load_dataset(source.FashionMnist(), path=tmp_path)
    assert index.class_names[0] == "T-shirt/top" and len(index.class_names) == 10
    assert np.bincount(index.labels).tolist() == [6] * 10
    assert index.test.tolist() == [False] * 40 + [True] * 20
    assert index.paths[39:41] == ("train/00039", "test/00000")
    pictures = np.concatenate([made(part)[1] for part in PARTS])
    for row in (0, 17, 59):
        assert np.array_equal(np.asarray(index.reader(row)), pictures[row][:, :, None].repeat(3, axis=2))
    assert index.groups[0] == index.groups[10] and len(set(index.groups.tolist())) == 58
    other = tmp_path / "other"
    other.mkdir()
    as_idx(other)
    assert index.fingerprint == source.FashionMnist().load(other).fingerprint


def test_torchvision_reads_the_same(tmp_path: Path) -> None:
    from fewshot_bench.embed.torchvision_guard import import_torchvision

    as_idx(tmp_path, packed=False, place="FashionMNIST/raw")
    known = import_torchvision().datasets.FashionMNIST(str(tmp_path), train=False, download=False)
    index = source.FashionMnist().load(tmp_path)
    own = np.flatnonzero(index.test)
    assert known.targets.tolist() == index.labels[own].tolist()
    assert [known.classes[t] for t in known.targets] == [index.class_names[c] for c in index.labels[own]]
    for row in own:
        assert np.array_equal(known.data[row - own[0]].numpy(), np.asarray(index.reader(int(row)))[:, :, 0])


def test_a_third_party_s_data_set_is_found_and_run(tmp_path: Path) -> None:
    as_idx(tmp_path / "fashion-mnist")
    assert "fashion-mnist" in registry.entries(registry.DATASETS)
    record = fb.run("pixels", "fashion-mnist", queries=3, episodes=3, data_root=tmp_path)
    assert record.dataset == "fashion-mnist" and record.images == 60 and 0 <= record.accuracy.mean <= 1


LABELS, IMAGES = "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz"


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        (LABELS, None, f"not laid out as fashion-mnist: there is no file {LABELS}; expected"),
        (IMAGES, None, f"there is no file {IMAGES}"),
        (LABELS, b"no gzip", f"{LABELS} cannot be read"),
        (LABELS, gz(idx(np.zeros(40, np.uint8)))[:-9], "cannot be read"),
        (LABELS, gz(b"\0\0\x0d\x01"), "is no IDX file of unsigned bytes"),
        (LABELS, gz(b"\0\0\x08\xff"), "is no IDX file of unsigned bytes"),
        (LABELS, gz(b""), "is no IDX file of unsigned bytes"),
        (
            LABELS,
            gz(b"\0\0\x08\x03" + b"\xff" * 12),
            "has 0 values and its header says 4294967295 x",
        ),
        (LABELS, gz(idx(np.zeros(41, np.uint8))), "hold [41] labels"),
        (LABELS, gz(idx(np.full(40, 10, np.uint8))), "labels up to 10 and"),
        (
            IMAGES,
            gz(idx(np.zeros((20, 32, 32), np.uint8))),
            "and [20, 32, 32] values, not as many",
        ),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path: Path, file: str, content: bytes | None, reason: str) -> None:
    as_idx(tmp_path)
    if content is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(FsbenchError, match=re.escape(reason)):
        source.FashionMnist().load(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("label,", "class,", "header of .* begins with 'class,pixel1,pixel2' and has 785 columns, not label"),
        ("pixel784", "pixel784,extra", "has 786 columns"),
        ("\n0,", "\n256,", "cannot be read as a table of numbers from 0 to 255"),
        ("\n0,", "\nx,", "cannot be read as a table of numbers from 0 to 255"),
        ("\n0,", "\n0,0,", "cannot be read as a table"),
    ],
)
def test_a_bad_table_is_one_sentence(tmp_path: Path, old: str, new: str, reason: str) -> None:
    as_table(tmp_path)
    path = tmp_path / "fashion-mnist_train.csv"
    text = path.read_text()
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(FsbenchError, match=reason):
        source.FashionMnist().load(tmp_path)
    path.write_text(text.splitlines()[0])
    with pytest.raises(FsbenchError, match="lists no pictures"):
        source.FashionMnist().load(tmp_path)


def test_a_gzip_bomb_is_a_sentence_and_a_pipe_makes_nobody_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays, "MOST", 1000)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(b"\0\0\x08" + bytes(10**6)))
    with pytest.raises(FsbenchError, match="has more than 1,000 bytes"):
        arrays.read_idx(tmp_path / "bomb.gz")
    os.mkfifo(tmp_path / "pipe.gz")
    with pytest.raises(FsbenchError, match="it is a pipe and no file"):
        arrays.read_idx(tmp_path / "pipe.gz")
