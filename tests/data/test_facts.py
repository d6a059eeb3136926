"""The cache of facts: remembered, shared, rebuilt where damaged, done without where it cannot be."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from fewshot_bench.data.facts import Facts


def test_what_is_put_is_got_by_kind_and_key(tmp_path: Path) -> None:
    path = tmp_path / "new" / "facts.sqlite"
    Facts(path).put("size", {b"a": b"1", b"b": b"2"})
    Facts(path).put("size", {b"b": b"3"})
    assert Facts(path).get("size", [b"a", b"b", b"c"]) == {b"a": b"1", b"b": b"3"}
    assert Facts(path).get("colour", [b"a"]) == {}


def test_many_keys(tmp_path: Path) -> None:
    items = {str(i).encode(): str(i * i).encode() for i in range(2345)}
    Facts(tmp_path / "f").put("square", items)
    assert Facts(tmp_path / "f").get("square", items) == items


def test_the_default_place_is_the_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FSBENCH_CACHE", str(tmp_path / "cache"))
    Facts().put("kind", {b"k": b"v"})
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["facts.sqlite"]


@pytest.mark.parametrize("length", [10, 100, 4000, 5000])
def test_a_damaged_file_is_rebuilt_with_a_warning(length: int, tmp_path: Path) -> None:
    path = tmp_path / "facts.sqlite"
    Facts(path).put("kind", {str(i).encode(): bytes(100) for i in range(500)})
    whole = path.read_bytes()
    path.write_bytes(b"\xff" * length + whole[length:])
    with pytest.warns(UserWarning, match="damaged"):
        assert Facts(path).get("kind", [b"1"]) == {}
    Facts(path).put("kind", {b"1": b"again"})
    assert Facts(path).get("kind", [b"1"]) == {b"1": b"again"}


def test_a_flipped_bit_never_gives_another_value(tmp_path: Path) -> None:
    """One bit in 31 of the whole file: a value is the one that was put, or it is not known."""
    path, items = tmp_path / "facts.sqlite", {bytes([65 + i]) * 8: bytes([i]) * 24 for i in range(12)}
    Facts(path).put("digest", items)
    whole, lost = path.read_bytes(), 0
    places = [place for place in range(len(whole)) if any(whole[max(0, place - 40) : place + 40])]
    for bit in [8 * place + bit for place in places for bit in range(8)][::31]:
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            known = Facts(path).get("digest", items)
        assert all(items[key] == value for key, value in known.items()), bit
        lost += len(known) < len(items)
    assert lost > 10
    path.write_bytes(whole.replace(bytes([3]) * 24, bytes([3]) * 23 + b"\x07"))
    with pytest.warns(UserWarning, match=r"1 values have another checksum"):
        assert len(Facts(path).get("digest", items)) == 11


@pytest.mark.filterwarnings("error")  # so that a second warning fails
def test_a_place_that_cannot_be_written_costs_one_warning(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    facts = Facts(tmp_path / "file" / "facts.sqlite")
    with pytest.warns(UserWarning, match="FSBENCH_CACHE") as caught:
        facts.put("kind", {b"k": b"v"})
    assert facts.get("kind", [b"k"]) == {}
    assert len(caught) == 1


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "facts.sqlite"
    program = (
        "import sys; from pathlib import Path; from fewshot_bench.data.facts import Facts\n"
        "facts = Facts(Path(sys.argv[1]))\n"
        "for i in range(40): facts.put('kind', {f'{sys.argv[2]} {i}'.encode(): b'v'})\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", program, str(path), name]) for name in "ab"
    ]
    assert [process.wait(60) for process in running] == [0, 0]
    keys = [f"{name} {i}".encode() for name in "ab" for i in range(40)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(Facts(path).get("kind", keys)) == 80
