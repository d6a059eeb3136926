"""The chart of precision at each recall: every method's curve, to scale, its words escaped."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import fewshot_bench as fb
from fewshot_bench.report.leaderboard import tables
from fewshot_bench.report.page import page
from fewshot_bench.report.precision import MARGIN, SIDE, precision_chart


def test_each_method_of_a_retrieval_table_has_its_curve():
    options = {"protocol": "retrieval", "shots": 5, "episodes": 5}
    records = [fb.run("pixels", "digits", parameters={"size": size}, **options) for size in (8, 16)]
    records[1].data["method"] = "<b>&"
    chart = precision_chart(records)
    root = ElementTree.fromstring(chart)
    curves = root.findall("svg/polyline")
    assert len(curves) == 2 and "<b>&" not in chart and "&lt;b&gt;&amp; size=16" in chart
    for curve, record in zip(curves, records, strict=True):
        points = [tuple(map(float, p.split(","))) for p in curve.get("points").split()]
        precision = [1 - (y - 8) / SIDE for _, y in points]
        assert points[0][0] == MARGIN and points[-1][0] == MARGIN + SIDE
        assert max(abs(a - b) for a, b in zip(precision, record.arrays["precision"], strict=True)) < 1e-3
    assert len(re.findall("<svg", page(tables(records)))) == 1


def test_without_a_curve_there_is_no_chart():
    assert precision_chart([fb.run("pixels", "digits", episodes=2)]) == ""
