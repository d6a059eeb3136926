"""Records: what is written is what is read, and no failure leaves files that do not belong together."""

from __future__ import annotations

import contextlib
import copy
import errno
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.files import require_writable, write_atomic
from fewshot_bench.records import Record, canonical, read, read_all, record_path, save
from fewshot_bench.records.store import archive_of, text_of


def example(**changes) -> Record:
    score = {"mean": 0.5, "interval": [0.4, 0.6], "kind": "over episodes", "class_interval": [0.4, 0.6],
             "class_kind": "x"}  # fmt: skip
    data = {
        "schema_version": 2, "identity": "12" * 32, "method": "toy", "parameters": {"k": 1}, "parameters_set": {},
        "train_seed": 0, "dataset": "digits", "variant": "default", "protocol": "fewshot", "ways": 5, "shots": 1,
        "episodes_sha256": "ab" * 32, "accuracy": score, "map": score, "command": "fsbench run --method toy",
    }  # fmt: skip
    arrays = {
        "classes": np.array([[3, 1], [0, 2]]),
        "query_label": np.array([[1, 0], [1, -1]]),
        "query_prediction": np.array([[0, 0], [1, -1]]),
        "query_rank": np.array([[1, 0], [0, -1]]),
        "query_ap": np.array([[0.5, 1.0], [1.0, np.nan]], dtype=np.float32),
    }
    return Record(data | changes, arrays)


def contents(folder):
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_record_is_read_as_it_was_written(tmp_path):
    record = example(dataset="größe x")
    path = save(record, tmp_path)
    again, expected = read(path), canonical(record.arrays)
    assert again.data == record.data
    assert again.arrays.keys() == expected.keys()
    assert all(np.array_equal(again.arrays[k], expected[k], equal_nan=k == "query_ap") for k in expected)
    assert again.accuracy.mean == 0.5 and again.map.class_interval == (0.4, 0.6)
    assert again.per_query["label"].tolist() == record.per_query["label"].tolist() == [[0, 1], [1, -1]]
    assert [r.method for r in read_all([tmp_path])] == ["toy"]


def test_the_arrays_are_an_archive_that_numpy_reads_without_pickle(tmp_path):
    path = save(example(), tmp_path)
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as stored:
        assert stored["counts"].tolist() == [[1, 1], [0, 1]] and "query_label" not in stored.files


def test_the_same_record_is_the_same_bytes(tmp_path):
    first, second = save(example(), tmp_path / "a"), save(example(), tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()
    assert first.with_suffix(".npz").read_bytes() == second.with_suffix(".npz").read_bytes()


def test_a_number_that_is_none_is_stored_as_null_and_named(tmp_path):
    diagnostics = {"gradient_norm": float("nan"), "curve": [1.0, float("inf")], "steps": np.int64(3)}
    again = read(save(example(diagnostics=diagnostics), tmp_path))
    assert again.diagnostics == {"gradient_norm": None, "curve": [1.0, None], "steps": 3}
    assert again.not_finite == {"diagnostics.gradient_norm": "nan", "diagnostics.curve[1]": "inf"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"accuracy": {"mean": float("nan")}}, "accuracy.mean of the record is nan, which is no result"),
        (
            {"diagnostics": {"net": object()}},
            "diagnostics.net of the record is a object, which JSON cannot hold",
        ),
        ({"identity": None}, "lacks 'identity'"),
    ],
)
def test_what_cannot_be_stored_leaves_the_old_record_as_it_was(tmp_path, changes, sentence):
    path = save(example(), tmp_path)
    before = contents(tmp_path)
    other = example(**changes)
    other.arrays["query_prediction"] = np.array([[1, 1], [0, -1]])
    other.arrays["query_rank"] = np.array([[0, 1], [1, -1]])
    with pytest.raises(FsbenchError, match=sentence):
        save(other, tmp_path)
    assert contents(tmp_path) == before and read(path).data == example().data


def test_a_full_disk_is_one_sentence_and_leaves_the_old_files(tmp_path, monkeypatch):
    path = save(example(), tmp_path)
    before = contents(tmp_path)

    def full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FsbenchError, match="no space left on device; free some space") as caught:
        save(example(seed=1), tmp_path)
    assert "\n" not in str(caught.value)
    assert contents(tmp_path) == before
    assert read(path).data == example().data


def other_run() -> Record:
    """The same identity with other scores, as after a mended bug."""
    record = example(seed=1)
    record.arrays["query_prediction"] = np.array([[1, 0], [0, -1]])
    record.arrays["query_rank"] = np.array([[0, 0], [1, -1]])
    return record


@pytest.mark.parametrize("moment", range(1, 8))
def test_an_error_at_any_rename_leaves_the_old_pair_or_the_new_one(tmp_path, monkeypatch, moment):
    path, calls, real = save(example(), tmp_path), [], os.replace
    before = contents(tmp_path)

    def failing(source, target):
        calls.append(target)
        if len(calls) == moment:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(source, target)

    monkeypatch.setattr(os, "replace", failing)
    if moment <= 6:  # two files are staged, two moved aside, two put in place
        with pytest.raises(FsbenchError):
            save(other_run(), tmp_path)
        assert contents(tmp_path) == before
    else:
        save(other_run(), tmp_path)
        assert read(path).data["seed"] == 1 and len(calls) == 6


@pytest.mark.parametrize("moment", range(1, 7))
def test_a_kill_at_any_rename_never_leaves_a_json_beside_arrays_of_another_run(tmp_path, monkeypatch, moment):
    path, real = save(example(), tmp_path), os.replace
    calls: list[object] = []

    def killed(source, target):
        calls.append(target)
        if len(calls) == moment:
            os._exit(9)
        real(source, target)

    child = os.fork()
    if child == 0:
        os.replace = killed
        save(other_run(), tmp_path)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    for record in read_all([tmp_path]):  # the old one, or none: and never an error
        assert record.data == example().data
        assert record.per_query["prediction"].tolist() == [[0, 0], [1, -1]]
    save(other_run(), tmp_path)
    assert read(path).data["seed"] == 1


def test_arrays_of_another_run_are_refused_with_the_command(tmp_path):
    path, other = save(example(), tmp_path / "a"), save(other_run(), tmp_path / "b")
    path.with_suffix(".npz").write_bytes(other.with_suffix(".npz").read_bytes())
    with pytest.raises(
        FsbenchError, match="those of another run than .*; run again: fsbench run --method toy"
    ):
        read(path)
    path.with_suffix(".npz").unlink()
    with pytest.raises(
        FsbenchError, match="no such file or directory.*; run again: fsbench run --method toy"
    ):
        read(path)


@pytest.mark.slow
@pytest.mark.parametrize(("ending", "bits"), [(".json", (0, 3, 6)), (".npz", (0,))])
def test_a_flipped_bit_is_found_at_every_place(tmp_path, ending, bits):
    """Some bits of each byte, others at the next: all of them take a minute."""
    path = save(example(), tmp_path)
    file = path.with_suffix(ending)
    whole, accepted = file.read_bytes(), []
    for place in range(len(whole)):
        for bit in bits:
            flipped = bytes([whole[place] ^ 1 << (place + bit) % 8])
            file.write_bytes(whole[:place] + flipped + whole[place + 1 :])
            with contextlib.suppress(FsbenchError):
                accepted.append(read(path))
    assert all(record.data == example().data for record in accepted)
    assert not accepted or ending == ".json"  # where white space became other white space


def test_a_writer_that_is_interrupted_leaves_nothing(tmp_path):
    def interrupted(stream):
        stream.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomic(tmp_path / "file", interrupted)
    assert contents(tmp_path) == {}


def test_a_results_folder_that_is_a_file_is_one_sentence(tmp_path):
    (tmp_path / "results").write_text("a file")
    with pytest.raises(FsbenchError, match="Cannot write to the results folder .*--results"):
        require_writable(tmp_path / "results")


def test_damaged_records_are_one_sentence_each(tmp_path):
    path = save(example(), tmp_path)
    path.write_text("{")
    with pytest.raises(FsbenchError, match="holds no JSON"):
        read(path)
    path.write_text("[]")
    with pytest.raises(FsbenchError, match="not an object"):
        read(path)
    path.write_text(json.dumps({"schema_version": 1}))
    with pytest.raises(FsbenchError, match="is not an fsbench record"):
        read(path)
    path.write_text(json.dumps(example(schema_version=3).data))
    with pytest.raises(FsbenchError, match="schema version 3"):
        read(path)
    path.write_text(json.dumps(example().data))
    with pytest.raises(FsbenchError, match=r"lacks \['arrays_sha256', 'record_sha256'\]"):
        read(path)
    with pytest.raises(UsageError, match="no such file or folder"):
        read_all([tmp_path / "nowhere"])


def test_arrays_that_lack_one_are_one_sentence(tmp_path):
    """A file that carries its right digest and holds something else: no record of ours, and no traceback."""
    archive = archive_of({"classes": np.zeros((1, 2), np.uint8)})
    path = tmp_path / "odd.json"
    path.write_bytes(text_of(example().data, archive))
    path.with_suffix(".npz").write_bytes(archive)
    with pytest.raises(FsbenchError, match="arrays of the record .* cannot be read"):
        read(path)


def test_names_that_are_no_utf8_come_back_as_they_were(tmp_path):
    odd = os.fsdecode(b"m\xe4rkte")
    record = example(dataset=odd, dropped=[[odd, 1, 2]])
    record.arrays["class_names"] = np.array(["a", odd, "größe", "d"])
    path = save(record, tmp_path)
    json.loads(path.read_bytes().decode("utf-8"))
    again = read(path)
    assert again.data == record.data and again.arrays["class_names"].tolist() == ["a", odd, "größe", "d"]


CHANGES = [
    {"identity": "34" * 32},
    {"identity": "56" * 32, "protocol": "retrieval"},
    {"identity": "78" * 32, "train_seed": 1},
    {"identity": "9a" * 32, "parameters_set": {"k": 3}},
    {"identity": "12" * 5 + "f" * 54},  # the digits of the file name are the same
]


def test_different_identities_never_share_a_file_and_the_same_one_has_one(tmp_path):
    records = [example(), *(example(**change) for change in CHANGES)]
    paths = [save(record, tmp_path) for record in records]
    assert len(set(paths)) == len(records) == len(read_all([tmp_path]))
    assert [save(record, tmp_path) for record in reversed(records)] == paths[::-1]


def test_a_person_can_read_the_names():
    data = example(
        method="student-lr", train_seed=2, protocol="retrieval", parameters_set={"preset": "quick", "C": 0.5}
    ).data
    assert record_path(data) == Path(
        "digits-default/retrieval-5way-1shot-ababababab/student-lr-trained2-preset=quick-C=0.5-12121212.json"
    )
    data["parameters_set"] = {"checkpoint": "/home/someone/deep/trunk.safetensors"}
    assert record_path(data).name == "student-lr-trained2-checkpoint=trunk.safetensors-12121212.json"


@pytest.mark.parametrize(
    "odd", ["x" * 500, "größe/../..", os.fsdecode(b"\xff\xfe"), "", ".", "con\n\0", "日本" * 90]
)
def test_long_and_odd_names_stay_within_what_file_systems_take(tmp_path, odd):
    typed = {f"{odd}{i}": odd for i in range(20)}
    record = example(dataset=odd or "d", variant=odd or "v", method=odd or "m", parameters_set=typed,
                     train_seed=2**64 - 1)  # fmt: skip
    path = save(record, tmp_path)
    assert read(path).data == record.data
    inside = path.relative_to(tmp_path)
    assert len(inside.parts) == 3 and all(len(os.fsencode(part)) <= 255 for part in inside.parts)
    assert max(len(part) for part in record_path(record.data, 64).parts) <= 255 - len(".12345678.part")


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda record: pickle.loads(pickle.dumps(record))]
)
def test_a_record_can_be_copied_and_sent_to_another_process(again):
    """An attribute that was asked for while the copy was empty once asked for itself, without end."""
    one, two = example(), again(example())
    assert one.data == two.data and one.arrays.keys() == two.arrays.keys()
    assert two.accuracy.mean == 0.5 and not hasattr(two, "nothing")
