"""Records whose numbers are not those of their arrays are named and left out; the rest is shown."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import fewshot_bench as fb
from fewshot_bench.records import Record, read, save
from fewshot_bench.records.store import archive_of, digest, pack
from fewshot_bench.report.sound import faults, read_tables, strangers

FEW = {"ways": 4, "queries": 3, "episodes": 20}


@pytest.fixture(scope="module")
def record() -> Record:
    return fb.run("pixels", "digits", parameters={"size": 4}, **FEW)


def forged(record: Record, folder: Path, change) -> Path:
    """A record that somebody changed, with its checksums made to fit."""
    path = save(record, folder)
    data = json.loads(path.read_text())
    change(data)
    data["record_sha256"] = digest(data)
    path.write_text(json.dumps(data))
    return path


def score(name: str, **values):
    return lambda data: data[name].update(values)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            score("accuracy", mean=0.999),
            r"it states 99\.9000 % as the mean of its accuracy, and its arrays give",
        ),
        (score("map", mean=0.999), r"it states 99\.9000 % as the mean of its map"),
        (score("accuracy", interval=[0.0, 1.0]), "as the lower end of its accuracy"),
        (lambda data: data.update(map=None), "its map and its arrays do not both exist"),
        (lambda data: data.update(episodes=7), "it states 7 episodes, and its arrays have 20"),
        (lambda data: data.update(identity="ab" * 32), "its identity is not that of the facts"),
        (
            lambda data: data.update(method="other"),
            "its identity is of the method 'pixels', and it states 'other'",
        ),
        (score("accuracy", mean=7.5), "its accuracy is"),
        (score("accuracy", mean=float("nan")), "JSON|accuracy"),
    ],
)
def test_a_changed_number_is_named_and_the_rest_is_shown(record, tmp_path, change, sentence) -> None:
    bad = forged(record, tmp_path / "bad", change)
    other = save(fb.run("pixels", "digits", parameters={"size": 8}, **FEW), tmp_path / "good")
    (tmp_path / "package.json").write_text('{"name": "stray"}')
    kept, refused = read_tables([tmp_path])
    assert [one.parameters["size"] for one in kept] == [read(other).parameters["size"]]
    assert len(refused) == 2
    (said,) = [one for one in refused if str(bad) in one]
    assert re.search(sentence, said), said


def test_a_record_is_sound_as_it_was_written_and_after_it_was_read(record, tmp_path) -> None:
    assert faults(record) == []
    assert faults(read(save(record, tmp_path))) == []


@pytest.mark.parametrize("name", ["query_label", "query_prediction"])
def test_a_class_that_an_episode_does_not_have_is_found(record, name) -> None:
    array = record.arrays[name].copy()
    array[3, 2] = 4
    assert (
        "of a class that the episode does not have"
        in faults(Record(record.data, record.arrays | {name: array}))[0]
    )


def test_swapped_answers_with_the_same_accuracy_in_another_order_are_no_fault_of_the_mean(record) -> None:
    answers = record.arrays["query_prediction"].copy()
    right = answers == record.arrays["query_label"]
    row, column = map(int, np.argwhere(right)[0])
    answers[row, column] = (answers[row, column] + 1) % 4
    assert (
        "mean of its accuracy"
        in faults(Record(record.data, record.arrays | {"query_prediction": answers}))[0]
    )


def test_labels_of_one_hash_agree_or_the_odd_one_is_left_out(record) -> None:
    odd = Record(record.data, record.arrays | {"classes": np.roll(record.arrays["classes"], 1, axis=0)})
    assert list(strangers([record, odd, record])) == [1]
    assert list(strangers([record, odd])) == [1]
    assert strangers([record, record]) == {}


def test_the_same_run_from_two_folders_counts_once(record, tmp_path) -> None:
    save(record, tmp_path / "a")
    save(record, tmp_path / "b")
    kept, refused = read_tables([tmp_path])
    assert (len(kept), refused) == (1, [])


def test_arrays_that_were_exchanged_are_refused(record, tmp_path) -> None:
    path = save(record, tmp_path)
    arrays = record.arrays | {
        "query_prediction": record.arrays["query_label"],
        "query_rank": np.minimum(record.arrays["query_label"], 0),
    }
    path.with_suffix(".npz").write_bytes(archive_of(pack(arrays)))
    kept, refused = read_tables([tmp_path])
    assert kept == []
    assert "are damaged or those of another run" in refused[0]


def test_published_records_are_sound() -> None:
    results = Path(__file__).parents[2] / "results" / "packshots-default"
    kept, refused = read_tables([results])
    assert kept and refused == []
