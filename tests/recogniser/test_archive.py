"""The file of a recogniser: round trip, and one sentence for everything that is none."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.recogniser import archive
from fewshot_bench.recogniser.archive import read_recogniser, write_recogniser

ARRAYS = {"vectors": np.arange(6, dtype=np.float32).reshape(3, 2), "labels": np.zeros(3, np.int32)}
FACTS = {"paths": ["a", "\udcff"], "method": "pixels"}


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    write_recogniser(tmp_path / "x.fsb", FACTS, ARRAYS)
    return tmp_path / "x.fsb"


def rewritten(path: Path, change: str, data: bytes, packing: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    members[change] = data
    with zipfile.ZipFile(path, "w", packing) as new:
        for name, content in members.items():
            new.writestr(name, content)


def test_what_is_written_is_read_and_equal_contents_are_equal_files(sound: Path, tmp_path: Path) -> None:
    facts, arrays = read_recogniser(sound)
    assert facts == {"format": "fsbench-recogniser", "version": 1, **FACTS}
    assert all(np.array_equal(arrays[name], ARRAYS[name]) for name in ARRAYS) and len(arrays) == 2
    write_recogniser(tmp_path / "y.fsb", FACTS, ARRAYS)
    assert sound.read_bytes() == (tmp_path / "y.fsb").read_bytes()
    with zipfile.ZipFile(sound) as members:
        assert {info.compress_type for info in members.infolist()} == {zipfile.ZIP_STORED}


def test_arrays_are_written_as_safetensors_writes_them(tmp_path: Path, monkeypatch) -> None:
    kinds = "u8 i8 f8 f4 u4 i4 f2 u2 i2 i1 u1 ?"
    arrays = {f"ä {kind}": np.ones((3, 2), kind) for kind in kinds.split()}
    arrays |= {"scalar": np.array(2.0), "none": np.zeros((0, 4)), "turned": np.arange(6.0).reshape(2, 3).T}
    arrays["swapped"] = np.arange(3, dtype=">i4")
    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    plain["swapped"] = np.arange(3, dtype="<i4")
    monkeypatch.setattr(archive, "PIECE", 7)
    write_recogniser(
        tmp_path / "x.fsb", {}, {**arrays, "ä f4": [np.ones((1, 2), "f4"), np.ones((2, 2), "f4")]}
    )
    with zipfile.ZipFile(tmp_path / "x.fsb") as members:
        assert members.read(archive.ARRAYS) == save(plain)
        assert members.testzip() is None
    with pytest.raises(FsbenchError, match="'odd' of complex128 cannot be kept in a recogniser"):
        write_recogniser(tmp_path / "x.fsb", {}, {"odd": np.zeros(2, complex)})


def test_any_byte_that_changes_is_found_or_changes_nothing(sound: Path) -> None:
    whole = sound.read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(whole), 60):
        sound.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        refused = ""
        try:
            facts, arrays = read_recogniser(sound)
        except FsbenchError as error:
            refused = str(error)
        if refused:
            assert "no sound recogniser" in refused and "\n" not in refused
        else:  # a byte of a zip's own tables that says nothing, such as a time
            assert facts["method"] == "pixels" and np.array_equal(arrays["vectors"], ARRAYS["vectors"])
    for cut in (0, 10, len(whole) // 2, len(whole) - 1):
        sound.write_bytes(whole[:cut])
        with pytest.raises(FsbenchError, match=r"no sound recogniser .*fsbench fit FOLDER -o"):
            read_recogniser(sound)


def test_foreign_and_newer_files_are_sentences(sound: Path, tmp_path: Path, monkeypatch) -> None:
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as members:
        members.writestr("a.txt", "text")
    for data, words in ((b"text", "it is no zip file"), (other.getvalue(), "it has other members")):
        (tmp_path / "z").write_bytes(data)
        with pytest.raises(FsbenchError, match=words):
            read_recogniser(tmp_path / "z")
    monkeypatch.setattr(archive, "VERSION", 2)
    write_recogniser(tmp_path / "newer", FACTS, ARRAYS)
    monkeypatch.undo()
    with pytest.raises(FsbenchError, match="of format 2, and this fsbench reads 1: upgrade fewshot-bench"):
        read_recogniser(tmp_path / "newer")
    with pytest.raises(UsageError, match=r"no recogniser .*nowhere; make one with `fsbench fit FOLDER -o"):
        read_recogniser(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="cannot be read .is a directory"):
        read_recogniser(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="cannot be read .it is a pipe and no file"):
        read_recogniser(tmp_path / "pipe")
    rewritten(sound, archive.SUMS, b"")
    with pytest.raises(FsbenchError, match="two checksums"):
        read_recogniser(sound)
    rewritten(sound, archive.FACTS, b"{}" * 500, zipfile.ZIP_DEFLATED)
    with pytest.raises(FsbenchError, match="packed"):
        read_recogniser(sound)


@pytest.mark.subprocess
def test_a_kill_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "x.fsb"
    code = (
        "import sys, numpy as np, pathlib\n"
        "from fewshot_bench.recogniser.archive import write_recogniser\n"
        "for number in range(10**6):\n"
        "    arrays = {'vectors': np.full((3000, 100), number, np.float32)}\n"
        "    write_recogniser(pathlib.Path(sys.argv[1]), {'number': number}, arrays)\n"
        "    print(number, flush=True)\n"
    )
    for wait in (0.001, 0.013, 0.05):
        with subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None and process.stdout.readline()
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
        facts, arrays = read_recogniser(path)
        assert (arrays["vectors"] == facts["number"]).all()
