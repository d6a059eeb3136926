"""Times in the list of methods: medians of records, and nothing where there are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fewshot_bench.cli import guarded
from fewshot_bench.cli.times import spoken, typical_times


def record(
    folder: Path, name: str, method: str, score: float, trained: dict[str, float] | None = None
) -> None:
    training = None if trained is None else {"timings": {k: {"seconds": v} for k, v in trained.items()}}
    data = {"method": method, "episodes": 500, "timings": {"score": score}, "training": training}
    (folder / f"{name}.json").write_text(json.dumps(data))


def test_times_are_medians_and_what_is_no_record_is_passed_over(tmp_path):
    for number, score in enumerate((1.0, 2.0, 9.0)):
        record(tmp_path, f"pixels-{number}", "pixels", score)
    record(tmp_path, "student", "student-lr", 0.5, {"teacher": 60.0, "student": 40.0})
    record(tmp_path, "untimed", "hog-knn", 0.0)
    (tmp_path / "other.json").write_text("[1, 2]")
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "odd.json").write_text(
        '{"method": "odd", "training": {"timings": {"a": {}}}, "episodes": 0, "timings": {"score": 1}}'
    )
    (tmp_path / "half.json").write_text('{"method": "pixels", "episodes": 0, "timings": {"score": 1}}')
    assert typical_times(tmp_path) == {
        "pixels": {"episodes": 4.0},
        "student-lr": {"training": 100.0, "episodes": 1.0},
    }
    assert typical_times(tmp_path / "nowhere") == {}


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (None, ""),
        (0.2441, "0.24 s"),
        (89.0, "89 s"),
        (100.0, "1.7 min"),
        (9000.0, "2.5 h"),
        (361_000.0, "100 h"),
    ],
)
def test_a_time_is_said_in_one_unit(time, text):
    assert spoken(time) == text


def listed(capsys, results: Path) -> tuple[list[dict[str, object]], str]:
    assert guarded(["methods", "--json", "--results", str(results)], debug=False) == 0
    rows = json.loads(capsys.readouterr().out)
    guarded(["methods", "--results", str(results)], debug=False)
    shown = capsys.readouterr()
    return rows, shown.out + shown.err


@pytest.mark.slow
def test_the_list_says_whether_a_method_trains_and_how_long_it_took(capsys, tmp_path):
    record(tmp_path, "pixels", "pixels", 2.0)
    rows, shown = listed(capsys, tmp_path)
    by_name = {row["method"]: row for row in rows}
    assert (by_name["pixels"]["trains"], by_name["pixels"]["episodes_s"]) == ("no", 4.0)
    assert (by_name["protonet"]["trains"], by_name["protonet"]["training_s"]) == ("yes", None)
    assert "4 s" in shown and "Times are medians of the records" in shown
    _, shown = listed(capsys, tmp_path / "nowhere")
    assert "Times are medians" not in shown
