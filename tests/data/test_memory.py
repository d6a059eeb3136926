"""Memory of decoded pictures is bounded, whatever a file says of itself and however many threads decode."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fewshot_bench.cli import guarded
from fewshot_bench.data import memory
from fewshot_bench.data.decode import open_rgb
from fewshot_bench.data.header import headers
from fewshot_bench.data.memory import Budget
from fewshot_bench.data.near import signature
from fewshot_bench.data.pixels import pixel_digest
from fewshot_bench.data.scan import Scan
from fewshot_bench.datasets.find import open_dataset
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.files import read_regular


def stored(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


RNG = np.random.default_rng(0)
SIXTEEN = RNG.integers(0, 2**16, (40, 31), dtype=np.uint16)
COLOUR = RNG.integers(0, 256, (40, 31, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "data",
    [
        stored(Image.fromarray(SIXTEEN)),
        stored(Image.fromarray(SIXTEEN), "TIFF"),
        stored(Image.fromarray(SIXTEEN.astype(np.int32) * 70_000), "TIFF"),
        stored(Image.fromarray(SIXTEEN.astype(np.float32) - 9), "TIFF"),
        stored(Image.fromarray(np.dstack([COLOUR, SIXTEEN.astype(np.uint8)]))),
        stored(Image.fromarray(COLOUR).quantize(16), transparency=3),
        stored(Image.fromarray(COLOUR)),
    ],
)
def test_a_picture_is_the_same_in_bands(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = open_rgb(data)
    facts = signature(whole), pixel_digest(whole)
    monkeypatch.setattr(memory, "BAND", 100)
    again = open_rgb(data)
    assert len(list(memory.bands(31, 40))) == 14
    assert again.tobytes() == whole.tobytes()
    assert (signature(again), pixel_digest(again)) == facts


def test_who_asks_for_more_than_is_left_waits_and_who_holds_some_does_not() -> None:
    budget, entered, most = Budget(100 * memory.SMALL), threading.Barrier(4), []

    def work() -> None:
        entered.wait(10)
        for _ in range(20):
            with budget.held():
                budget.take(60 * memory.SMALL)
                most.append(budget.used)
                with budget.held():
                    budget.take(memory.SMALL)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(most) == 80 and max(most) <= 61 * memory.SMALL and budget.used == 0


def test_a_picture_beyond_the_whole_budget_is_alone() -> None:
    budget = Budget(10 * memory.SMALL)
    with budget.held():
        budget.take(50 * memory.SMALL)
        assert budget.used == 50 * memory.SMALL
    assert budget.used == 0


def test_a_picture_of_too_many_pixels_is_a_sentence_and_the_limit_can_be_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = stored(Image.fromarray(COLOUR))
    monkeypatch.setenv("FSBENCH_MAX_PIXELS", "1239")
    with pytest.raises(FsbenchError, match=r"too large: 1,240 pixels, and FSBENCH_MAX_PIXELS is 1,239"):
        open_rgb(data)
    monkeypatch.setenv("FSBENCH_MAX_PIXELS", "1240")
    assert open_rgb(data).size == (31, 40)
    for odd in ("many", "0", "-1", "٣", "9" * 5000):
        monkeypatch.setenv("FSBENCH_MAX_PIXELS", odd)
        with pytest.raises(UsageError, match="FSBENCH_MAX_PIXELS is '"):
            open_rgb(data)


def test_the_limit_can_be_raised_beyond_that_of_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 89_478_485)
    monkeypatch.setenv("FSBENCH_MAX_PIXELS", str(10**9))
    open_rgb(stored(Image.fromarray(COLOUR)))
    assert Image.MAX_IMAGE_PIXELS == 10**9


PEAK = """
import resource, sys
from fewshot_bench.data.decode import open_rgb
from fewshot_bench.data.near import signature
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
image = open_rgb(__import__("pathlib").Path(sys.argv[1]))
signature(image)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / (image.width * image.height))
"""


@pytest.mark.subprocess
@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.uint16, np.uint8])
def test_the_peak_is_a_few_bytes_a_pixel(dtype: type, tmp_path: Path) -> None:
    side = 4000
    pixels = np.tile(np.arange(side, dtype=np.uint16) % 251, (side, 1)).astype(dtype)
    Image.fromarray(pixels).save(tmp_path / "big.png", compress_level=1)
    found = subprocess.run(
        [sys.executable, "-c", PEAK, str(tmp_path / "big.png")], capture_output=True, text=True, check=True
    )
    assert float(found.stdout) < memory.PER_PIXEL + 2


def test_what_is_no_file_is_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "socket"))
        for name in ("pipe", "socket", "."):
            with pytest.raises(OSError):
                read_regular(tmp_path / name)
    with pytest.raises(OSError, match="it is a device and no file"):
        read_regular("/dev/zero")
    (tmp_path / "long").write_bytes(b"12345")
    assert read_regular(tmp_path / "long", 5) == b"12345"
    with pytest.raises(OSError, match="more than 4 bytes"):
        read_regular(tmp_path / "long", 4)


def test_a_pipe_and_a_huge_file_among_pictures_are_left_out_and_named(tmp_path: Path, draw) -> None:
    for seed, name in enumerate(("a/1.png", "a/2.png", "b/1.png")):
        draw(tmp_path / name, seed)
    os.mkfifo(tmp_path / "a" / "pipe.png")
    with (tmp_path / "b" / "huge.png").open("wb") as stream:
        stream.truncate(2**40)  # no block of it is on the disk
    (tmp_path / "b" / "device.png").symlink_to("/dev/zero")
    with pytest.raises(FsbenchError, match="leads out of"):
        open_dataset(str(tmp_path))
    (tmp_path / "b" / "device.png").unlink()
    index = open_dataset(str(tmp_path))
    assert dict(index.unreadable) == {
        "a/pipe.png": "cannot be read: it is a pipe and no file",
        "b/huge.png": "too large: 1,099,511,627,776 bytes, and 1,073,741,824 are the most",
    }
    assert [header.width for header in headers(index, Scan())] == [12, 12, 12]


@pytest.mark.parametrize(
    "error", [EOFError("no more"), EOFError(), MemoryError(), SyntaxError("chunk"), KeyError(3)]
)
def test_whatever_a_decoder_raises_is_the_sentence_of_its_file(
    error: Exception, tmp_path: Path, draw, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    """click takes an EOFError for Ctrl-D at a question, and said "Interrupted"."""
    for seed, name in enumerate(("a/1.png", "b/1.png", "b/2.png")):
        draw(tmp_path / name, seed)

    def broken(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("fewshot_bench.data.decode.to_rgb", broken)
        assert guarded(["datasets", str(tmp_path), "--check"], debug=False) == 1
    text = capsys.readouterr().err
    assert "a/1.png" in text and "Interrupted" not in text and "traceback" not in text
    if isinstance(error, MemoryError):  # on another day there is more
        assert len(open_dataset(str(tmp_path))) == 3
        draw(tmp_path / "a" / "1.png", 9)
    index = (
        open_dataset(str(tmp_path), verify=True) if isinstance(error, MemoryError) else fresh(tmp_path, draw)
    )
    monkeypatch.setattr("fewshot_bench.data.header.Image.open", broken)
    with pytest.raises(FsbenchError, match=r"1\.png cannot be read"):
        headers(index, Scan())


def fresh(folder: Path, draw):
    """An index of pictures that nothing is remembered of."""
    for name in ("a", "b"):
        draw(folder / "fresh" / name / "1.png", ord(name))
    return open_dataset(str(folder / "fresh"))


def test_a_small_file_that_claims_to_be_a_huge_picture_is_a_sentence(tmp_path: Path, draw) -> None:
    draw(tmp_path / "a" / "1.png")
    whole = bytearray((tmp_path / "a" / "1.png").read_bytes())
    whole[16:24] = (60_000).to_bytes(4, "big") * 2
    whole[29:33] = zlib.crc32(whole[12:29]).to_bytes(4, "big")
    (tmp_path / "a" / "bomb.png").write_bytes(whole)
    ((path, reason),) = open_dataset(str(tmp_path)).unreadable
    assert path == "a/bomb.png" and reason.startswith("too large: ")
