"""Files are whole, private to nobody by accident, and know when a bit of them has changed."""

from __future__ import annotations

import os
import shutil
import stat
import threading

import pytest

from fewshot_bench import files
from fewshot_bench.errors import FsbenchError
from fewshot_bench.files import sealed, unsealed, write_atomic


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "plain").touch()
    write_atomic(tmp_path / "atomic", lambda stream: stream.write(b"content"))
    assert mode(tmp_path / "atomic") == mode(tmp_path / "plain")
    assert (tmp_path / "atomic").read_bytes() == b"content"


def test_files_of_other_threads_keep_their_permissions(tmp_path, monkeypatch):
    """The umask is the process's: whoever sets it, for however short a time, opens the files of all threads."""
    count = iter(range(10**6))

    def create():
        (tmp_path / f"other-{next(count)}").touch()

    def watched(mask):
        """``os.umask``, with another thread that makes a file as soon as it is set."""
        before = real(mask)
        other = threading.Thread(target=create)
        other.start()
        other.join()
        return before

    real = os.umask
    usual = real(0o027)
    monkeypatch.setattr(os, "umask", watched)
    stop = threading.Event()

    def busy():
        while not stop.is_set():
            create()

    at_work = threading.Thread(target=busy)
    at_work.start()
    try:
        for number in range(100):
            write_atomic(tmp_path / f"atomic-{number}", lambda stream: stream.write(b"x"))
    finally:
        stop.set()
        at_work.join()
        real(usual)
    assert {mode(path) for path in tmp_path.iterdir()} == {0o640}


def test_a_seal_fits_its_content_alone():
    content = bytes(range(40))
    whole = sealed(content)
    assert unsealed(whole) == content and unsealed(sealed(b"")) == b""
    for bit in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ValueError, match="checksum"):
            unsealed(bytes(flipped))
    for end in (0, 10, len(whole) - 1):
        with pytest.raises(ValueError, match="checksum"):
            unsealed(whole[:end])


def test_a_folder_that_another_process_removes_meanwhile_is_made_again(tmp_path):
    """Of equal runs at once, the first to end removes the parts of all; a prune removes what it finds."""
    calls = []

    def write(stream):
        stream.write(b"whole")
        if len(calls) < 2:
            shutil.rmtree(tmp_path / "runs")
        calls.append(stream)

    write_atomic(tmp_path / "runs" / "part", write)
    assert (tmp_path / "runs" / "part").read_bytes() == b"whole" and len(calls) == 3
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["part"]


def test_a_folder_that_is_removed_again_and_again_is_a_sentence(tmp_path):
    with pytest.raises(FsbenchError, match="no such file or directory"):
        write_atomic(tmp_path / "runs" / "part", lambda stream: shutil.rmtree(tmp_path / "runs"))


def test_text_is_read_from_regular_files_of_a_bounded_size(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfp\xc3\xa4th\n")
    with files.open_text(tmp_path / "a.txt") as stream:
        assert stream.read() == "päth\n"
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="it is a pipe and no file"):
        files.open_text(tmp_path / "pipe")
    monkeypatch.setattr(files, "MOST_TEXT", 3)
    with pytest.raises(OSError, match="it has more than 3 bytes"):
        files.open_text(tmp_path / "a.txt")
