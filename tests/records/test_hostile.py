"""Records that anybody may have written: a sentence that names the file, and the other records are shown."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest

import fewshot_bench as fb
from fewshot_bench.cli import guarded
from fewshot_bench.errors import FsbenchError
from fewshot_bench.records import read, save
from fewshot_bench.records.fields import FIELDS, SHOWN
from fewshot_bench.records.store import archive_of, digest


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> fb.Record:
    folder = tmp_path_factory.mktemp("results")
    return fb.run("pixels", "digits", episodes=5, parameters={"size": 8}, results=folder)


def changed(record: fb.Record, folder: Path, changes: dict, without: tuple[str, ...] = ()) -> Path:
    """Writes the record with other fields, and with digests that fit."""
    path = save(record, folder)
    data = json.loads(path.read_bytes()) | changes
    data = {key: value for key, value in data.items() if key not in without}
    path.write_text(json.dumps(data | {"record_sha256": digest(data)}))
    return path


@pytest.mark.parametrize("name", [name for name in FIELDS if name not in ("created", "map", "training")])
@pytest.mark.parametrize("value", [None, {"mean": "1"}, [[]], 1e9], ids=["null", "table", "list", "number"])
def test_a_field_of_another_type_is_a_sentence(name: str, value: object, record, tmp_path: Path) -> None:
    if name not in record.data or FIELDS[name](value):
        pytest.skip("the value fits, or the field is not in this record")
    path = changed(record, tmp_path, {name: value})
    with pytest.raises(FsbenchError, match=name) as caught:
        read(path)
    assert path.name in str(caught.value) and "KeyError" not in str(caught.value)


@pytest.mark.parametrize("name", SHOWN)
def test_a_record_without_a_field_is_left_out_and_the_others_are_shown(
    name, record, tmp_path, capsys
) -> None:
    save(record, tmp_path / "sound")
    path = changed(record, tmp_path / "odd", {}, without=(name,))
    assert guarded(["leaderboard", str(tmp_path)], debug=False) == 1
    out, err = capsys.readouterr()
    assert "pixels" in out and err.startswith("Left out: ") and path.name in err and name in err


def test_bad_files_beside_records_are_named_and_nothing_waits(record, tmp_path: Path, capsys) -> None:
    save(record, tmp_path)
    bad = {
        "list.json": b"[]",
        "deep.json": b"[" * 100_000,
        "digits.json": b"1" * 5000,
        "no.json": b"\xff\xfe",
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
    os.mkfifo(tmp_path / "pipe.json")
    os.mkfifo(tmp_path / "beside.npz")
    (tmp_path / "beside.json").write_text('{"schema_version": 1, "method": "x", "episodes_sha256": "y"}')
    (tmp_path / "zero.json").symlink_to("/dev/zero")
    (tmp_path / "folder.json").mkdir()
    assert guarded(["leaderboard", str(tmp_path), "--format", "csv"], debug=False) == 1
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2 and len(err.splitlines()) == 8
    for name in (*bad, "pipe.json", "beside.json", "zero.json", "folder.json"):
        assert name in err, name
    with pytest.warns(UserWarning, match="is not a record"):
        assert len(fb.leaderboard(tmp_path)) == 1


def test_arrays_that_fit_nothing_are_a_sentence(record, tmp_path: Path) -> None:
    path = save(record, tmp_path)
    odd = {"classes": np.array(["x"]), "counts": np.array([[1]]), "right": np.zeros(1, np.uint8)}
    for arrays in (odd, {}, {"classes": np.zeros((5, 5), complex)}):
        archive = archive_of(arrays)
        path.with_suffix(".npz").write_bytes(archive)
        data = json.loads(path.read_bytes()) | {"arrays_sha256": hashlib.sha256(archive).hexdigest()}
        path.write_text(json.dumps(data | {"record_sha256": digest(data)}))
        with pytest.raises(FsbenchError, match=r"cannot be read from .*; run again: fsbench") as caught:
            read(path)
        assert path.name in str(caught.value)
        assert not str(caught.value).startswith("'")


def test_a_bomb_beside_a_record_is_a_sentence(record, tmp_path: Path, monkeypatch) -> None:
    path = save(record, tmp_path)
    monkeypatch.setattr("fewshot_bench.archives.MOST", 1000)
    with pytest.raises(FsbenchError, match="it unpacks to .* bytes, and 1,000 are the most"):
        read(path)
