"""Curves: every number at its place, gaps for missing ones, text escaped, nothing for older records."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from fewshot_bench.records import Record
from fewshot_bench.report.curves import HEIGHT, LEFT, WIDTH, chart, trainings

LOG = {"student": {"epoch": [1, 2, 3], "loss": [3.0, 2.0, 1.0], "validation": [0.5, None, 0.75]}}


def record(training, **parameters) -> Record:
    data = {"method": "student-lr", "parameters_set": parameters}
    return Record(data if training is None else data | {"training": training}, {})


def test_a_chart_draws_every_value_at_its_place():
    svg = ET.fromstring(chart("loss", [3.0, 2.0, 1.0]))
    (line,) = svg.iter("polyline")
    points = [tuple(map(float, p.split(","))) for p in line.get("points").split()]
    (x0, y0), (x1, y1), (x2, y2) = points
    assert (
        x0 == LEFT
        and x1 - x0 == pytest.approx(x2 - x1, abs=0.1)
        and y1 - y0 == pytest.approx(y2 - y1, abs=0.1)
    )
    assert y0 < y1 < y2 <= HEIGHT and x2 < WIDTH
    assert [t.text for t in svg.iter("title")] == ["epoch 1: 3", "epoch 2: 2", "epoch 3: 1"]
    assert [t.text for t in svg.iter("text")] == ["loss", "epoch 3", "1", "3"]


def test_missing_values_leave_a_gap_and_one_epoch_is_a_dot():
    svg = ET.fromstring(chart("loss", [1.0, 2.0, None, float("nan"), 3.0, 4.0]))
    assert [len(line.get("points").split()) for line in svg.iter("polyline")] == [2, 2]
    assert len(list(svg.iter("circle"))) == 4
    single = ET.fromstring(chart("loss", [0.7]))
    assert not list(single.iter("polyline")) and len(list(single.iter("circle"))) == 1
    assert chart("loss", [None, None]) == "" and chart("loss", []) == ""


def test_a_record_s_trainings_are_charts_with_the_seconds_they_took():
    timings = {"student": {"seconds": 93.4, "images/s": [60.0, 61.0, 62.0]}}
    text = trainings([record({"log": LOG, "timings": timings}, steps=40)])
    assert "Training of student-lr steps=40" in text and "student, 93 s" in text
    assert text.count("<svg") == 3 and "script" not in text and "http" not in text
    ET.fromstring(text)


@pytest.mark.parametrize(
    "training",
    [None, {}, [], {"dataset": "toy"}, {"log": []}, {"log": {"a": 3}}, {"log": {"a": {"epoch": [1]}}}],
)
def test_a_record_without_a_log_has_no_curves(training):
    assert trainings([record(training)]) == ""


def test_names_are_escaped():
    nasty = '"><script>alert(1)</script>'
    text = trainings([record({"log": {nasty: {nasty: [1.0, 2.0]}}}, **{nasty: nasty})])
    assert "<script>" not in text and "&lt;script&gt;" in text
    ET.fromstring(text)


def test_a_training_that_several_records_rest_on_is_shown_once():
    other = {"student": {**LOG["student"], "loss": [3.0, 2.0, 0.5]}}
    made = [record({"log": LOG}, k=1), record({"log": LOG}, k=5), record({"log": other}), record(None)]
    text = trainings(made)
    assert text.count("<details>") == 2 and "Training of student-lr k=1; student-lr k=5<" in text
