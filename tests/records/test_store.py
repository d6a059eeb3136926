"""Records: what is written is what is read, and no failure leaves half a file."""

from __future__ import annotations

import errno
import json
import os

import numpy as np
import pytest

from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.files import require_writable, write_atomic
from fewshot_bench.records import Record, read, read_all, save


def example(**changes) -> Record:
    score = {
        "mean": 0.5,
        "ci95": 0.1,
        "ci_kind": "over episodes",
        "class_interval": [0.4, 0.6],
        "class_ci_kind": "x",
    }
    data = {
        "schema_version": 1, "method": "toy", "parameters": {"k": 1}, "dataset": "digits",
        "variant": "default",
        "ways": 5, "shots": 1, "episodes_sha256": "ab" * 32, "accuracy": score, "map": score,
    }  # fmt: skip
    arrays = {
        "episode_accuracy": np.array([0.25, 0.75]),
        "query_label": np.array([[0, 1], [1, -1]]),
        "query_prediction": np.array([[0, 0], [1, -1]]),
        "query_ap": np.array([[1.0, 0.5], [1.0, np.nan]]),
    }
    return Record(data | changes, arrays)


def files(folder):
    return sorted(p.name for p in folder.rglob("*") if p.is_file())


def test_a_record_is_read_as_it_was_written(tmp_path):
    record = example(dataset="größe x")
    path = save(record, tmp_path)
    again = read(path)
    assert again.data == record.data
    assert all(np.array_equal(again.arrays[k], record.arrays[k], equal_nan=True) for k in record.arrays)
    assert again.accuracy.mean == 0.5 and again.map.class_interval == (0.4, 0.6)
    assert again.per_query["ap"].shape == (2, 2)
    assert [r.method for r in read_all([tmp_path])] == ["toy"]


def test_the_same_record_is_the_same_bytes(tmp_path):
    first, second = save(example(), tmp_path / "a"), save(example(), tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()
    assert first.with_suffix(".npz").read_bytes() == second.with_suffix(".npz").read_bytes()


def test_other_parameters_are_another_file(tmp_path):
    assert save(example(), tmp_path) != save(example(parameters={"k": 3}), tmp_path)


def test_a_full_disk_is_one_sentence_and_leaves_the_old_file(tmp_path, monkeypatch):
    path = save(example(), tmp_path)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}

    def full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FsbenchError, match="no space left on device; free some space") as caught:
        save(example(seed=1), tmp_path)
    assert "\n" not in str(caught.value)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
    assert read(path).data == example().data


def test_a_writer_that_is_interrupted_leaves_nothing(tmp_path):
    def interrupted(stream):
        stream.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomic(tmp_path / "file", interrupted)
    assert files(tmp_path) == []


def test_a_results_folder_that_is_a_file_is_one_sentence(tmp_path):
    (tmp_path / "results").write_text("a file")
    with pytest.raises(FsbenchError, match="Cannot write to the results folder .*--results"):
        require_writable(tmp_path / "results")


def test_damaged_records_are_one_sentence_each(tmp_path):
    path = save(example(), tmp_path)
    path.with_suffix(".npz").write_bytes(b"PK\x03\x04 not an archive")
    with pytest.raises(FsbenchError, match="arrays of the record"):
        read(path)
    path.write_text("{")
    with pytest.raises(FsbenchError, match="holds no JSON"):
        read(path)
    path.write_text("[]")
    with pytest.raises(FsbenchError, match="not an object"):
        read(path)
    path.write_text(json.dumps({"schema_version": 1}))
    with pytest.raises(FsbenchError, match="is not an fsbench record"):
        read(path)
    path.write_text(json.dumps(example(schema_version=2).data))
    with pytest.raises(FsbenchError, match="schema version 2"):
        read(path)
    with pytest.raises(UsageError, match="no such file or folder"):
        read_all([tmp_path / "nowhere"])
