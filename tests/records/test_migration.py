"""Migration: every number of a record of schema 1 is in the record of schema 2 that it becomes.

The records in ``schema_1`` are published ones, cut to their first episodes (their scores are those of all).
``FSBENCH_SCHEMA_1=FOLDER pytest tests/records/test_migration.py`` proves the same of all records of a folder.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from fewshot_bench.metrics import (
    ap_deletion,
    deletion_interval,
    episode_interval,
    episode_means,
    proportion_interval,
)
from fewshot_bench.records import read, record_path
from fewshot_bench.records.migrate import main, rewrite
from fewshot_bench.records.schema_1 import ADDED, PADDED, PRESETS, RENAMED, from_1
from fewshot_bench.report.comparison import compare_records

HERE = Path(__file__).parent / "schema_1"
FOLDER = Path(os.environ.get("FSBENCH_SCHEMA_1", HERE))
OLD = sorted(FOLDER.rglob("*.json"))
NEW_KEYS = {
    "migrated_from", "identity", "identity_facts", "created", "method_source", "train_seed", "device", "precision",
    "command_recorded",
}  # fmt: skip
CHANGED = {"schema_version", "parameters", "parameters_set", "accuracy", "map", "command"}


def both(path: Path):
    """The old JSON and arrays as they are in the files, and the record that is read from them."""
    with np.load(path.with_suffix(".npz")) as stored:
        arrays = {key: stored[key] for key in stored.files}
    return json.loads(path.read_text(encoding="utf-8")), arrays, read(path)


def by_class(arrays, value) -> list[list[tuple]]:
    """For each episode the sorted (label, value) of its queries: a multiset of each class."""
    label, values = np.asarray(arrays["query_label"]), np.asarray(arrays[value])
    return [
        sorted(zip(at[at >= 0].tolist(), v[at >= 0].tolist(), strict=True))
        for at, v in zip(label, values, strict=True)
    ]


def over_classes(values, labels, classes):
    return deletion_interval(ap_deletion(values, labels, classes))


def over_episodes(values, labels, _classes):
    return episode_interval(episode_means(values, labels))


def assert_nothing_lost(data, arrays, record) -> None:
    kept = {k: v for k, v in data.items() if k not in CHANGED}
    assert {k: record.data[k] for k in kept} == kept  # curves, diagnostics, timings, environment, training, …
    assert record.data.keys() - data.keys() <= NEW_KEYS and record.schema_version == 2
    names = RENAMED.get(data["method"], {})
    assert "auto" not in record.parameters.values() and record.parameters.get("size") != 0
    for key, value in data["parameters"].items():
        if value == "auto" or (key, value) == ("size", 0):
            continue
        preset = PRESETS.get(data["method"], {}).get(data["parameters"].get("preset"), {})
        assert record.parameters[names.get(key, key)] == (value or preset.get(key, value))
    view = {"view": "pad"} if data["method"].startswith("pretrained-") else {}
    assert record.parameters_set == view | {names.get(k, k): v for k, v in data["parameters_set"].items()}
    assert data["command"] in (record.command, record.data.get("command_recorded"))
    queries = int((arrays["query_label"] >= 0).sum())
    for name in ("accuracy", "map"):
        old, new = data[name], record.data[name]
        if old is None:
            assert new is None
            continue
        pictures = (
            name == "accuracy" and data["episodes"] == 1
        )  # Wilson's interval is over them, kept before or not
        assert new["mean"] == old["mean"]
        assert new["kind"] == ("over test pictures (Wilson)" if pictures else old["ci_kind"])
        assert (new["class_interval"], new["class_kind"]) == (old["class_interval"], old["class_ci_kind"])
        if old["ci95"] is None and not pictures:
            assert new["interval"] is None
        elif pictures:
            exact = proportion_interval(round(old["mean"] * queries), queries)
            assert new["interval"] == pytest.approx([exact.low, exact.high], abs=1e-12)
            half = (new["interval"][1] - new["interval"][0]) / 2
            assert old["ci95"] is None or half == pytest.approx(old["ci95"], abs=1e-12)
        else:
            assert new["interval"] == [old["mean"] - old["ci95"], old["mean"] + old["ci95"]]
    assert np.array_equal(record.arrays["classes"], arrays["classes"])
    for name in ("query_prediction", "query_ap"):
        assert (name in record.arrays) == (name in arrays)
        assert name not in arrays or by_class(record.arrays, name) == by_class(arrays, name)
    if "precision" in arrays:
        assert record.arrays["precision"].tobytes() == arrays["precision"].tobytes()
    label, query = record.per_query["label"], record.per_query
    hits = (query["prediction"] == label).astype(float)
    assert np.array_equal(episode_means(hits, label), arrays["episode_accuracy"])
    if "query_ap" in arrays:  # of APs, schema 1 kept float32, and means over episodes of float64
        assert np.allclose(episode_means(query["ap"], label), arrays["episode_map"], rtol=0, atol=6e-8)
    old_hits = (arrays["query_prediction"] == arrays["query_label"]).astype(float)
    old_label = arrays["query_label"].astype(int)
    for interval in (over_classes, over_episodes):
        one, other = (
            interval(old_hits, old_label, arrays["classes"]),
            interval(hits, label, record.arrays["classes"]),
        )
        assert (one.kind, one.reason) == (other.kind, other.reason)
        assert one.low is None or (one.low, one.high) == pytest.approx((other.low, other.high), abs=1e-12)


@pytest.mark.parametrize("path", OLD, ids=lambda p: str(p.relative_to(FOLDER)))
def test_nothing_is_lost(path):
    assert_nothing_lost(*both(path))


def test_a_folder_is_rewritten_under_new_names_and_nothing_is_lost(tmp_path):
    shutil.copytree(FOLDER, tmp_path / "results")
    before = {p.relative_to(FOLDER): both(p) for p in OLD}
    done = rewrite(tmp_path / "results")
    assert len(done) == len(OLD) == len(sorted((tmp_path / "results").rglob("*.json")))
    assert len(sorted((tmp_path / "results").rglob("*.npz"))) == len(OLD)
    for old, new in done:
        assert not old.exists() and json.loads(new.read_bytes())["schema_version"] == 2
        data, arrays, _ = before[old.relative_to(tmp_path / "results")]
        record = read(new)
        assert_nothing_lost(data, arrays, record)
        assert str(new).endswith(str(record_path(record.data)))
    assert rewrite(tmp_path / "results") == []


def test_records_outside_of_a_results_folder_stay_where_they_are(tmp_path):
    path = sorted(HERE.rglob("*.json"))[0]
    for ending in (".json", ".npz"):
        shutil.copy(path.with_suffix(ending), tmp_path / f"mine{ending}")
    [(_, new)] = rewrite(tmp_path)
    assert read(new).schema_version == 2


def find(method: str):
    return both(next(p for p in sorted(HERE.rglob("*.json")) if p.name.startswith(method)))


def test_presets_say_what_ran():
    _, _, student = find("student-lr")
    told = {
        k: student.parameters[k] for k in ("backbone", "size", "teacher_epochs", "student_epochs", "steps")
    }
    assert told == {
        "backbone": "efficientnet_lite0",
        "size": 128,
        "teacher_epochs": 2,
        "student_epochs": 2,
        "steps": 30,
    }
    data, _, triplet = find("siamese-triplet")
    assert (data["parameters"]["batch"], triplet.parameters["batch"], triplet.parameters["lr"]) == (
        0,
        32,
        3e-4,
    )


def test_renamed_parameters_are_renamed_in_the_command_too():
    data, _, protonet = find("protonet")
    assert (
        protonet.parameters["ema_decay"] == data["parameters"]["average"]
        and "average" not in protonet.parameters
    )
    typed = data | {
        "command": data["command"] + " --set average=0.5",
        "parameters_set": {"average": 0.5},
        "seed": 3,
    }
    made, _ = from_1(typed, find("protonet")[1])
    assert made["parameters_set"] == {"ema_decay": 0.5} and "ema_decay=0.5" in shlex.split(made["command"])
    assert "--train-seed 3" in made["command"] and made["train_seed"] == 3
    assert made["command_recorded"] == typed["command"]
    assert find("hog-mlp")[2].parameters["lr"] == 1e-3 and find("ensemble")[2].parameters["n_networks"] > 1
    assert "max_images" in find("whitened-lr")[2].parameters


def test_how_pictures_entered_is_said():
    for path in sorted(HERE.rglob("*.json")):
        record = read(path)
        assert record.parameters.get("view") == ADDED.get(record.method, {}).get("view")
        assert ("view=pad" in record.command) == (record.method in PADDED)


def test_a_migrated_record_and_one_of_schema_2_of_the_same_episodes_compare_alike():
    _, arrays, old = find("student-lr")
    generator = np.random.default_rng(0)
    order = np.argsort(generator.random(arrays["query_label"].shape), axis=1)
    moved = {k: np.take_along_axis(v, order, axis=1) for k, v in old.arrays.items() if k.startswith("query_")}
    label = moved["query_label"]
    pictures = generator.integers(0, 256, (label.size, 8), dtype=np.uint8)
    picture = np.where(label >= 0, np.arange(label.size).reshape(label.shape), -1)
    new = type(old)(old.data, {**old.arrays, **moved, "query_picture": picture, "pictures": pictures})
    zero = compare_records(old, new).accuracy.over_classes
    assert np.array_equal(old.per_query["label"], new.per_query["label"])
    assert zero.mean == pytest.approx(0, abs=1e-15) and zero.low == pytest.approx(0, abs=1e-12)


def test_the_command_line(tmp_path, capsys):
    assert main([]) == 2
    shutil.copytree(HERE, tmp_path / "results")
    assert main([str(tmp_path / "results")]) == 0
    assert capsys.readouterr().out.count(" -> ") == len(sorted(HERE.rglob("*.json")))
    (tmp_path / "results" / "broken.json").write_text("{")
    assert main([str(tmp_path / "results")]) == 1
    assert capsys.readouterr().err.startswith("Error: ")
