"""The page: one file that asks for nothing, whatever the records say, and that stays small."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

import fewshot_bench as fb
from fewshot_bench.records import Record
from fewshot_bench.report.leaderboard import Table, tables
from fewshot_bench.report.page import page
from fewshot_bench.report.page.details import by_class, details
from fewshot_bench.report.page.plots import pareto
from fewshot_bench.report.page.rows import section

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "end": "</script><img src=x onerror=alert(1)>",
    "quote": '"><svg onload=alert(1)>',
    "escape": "\x1b[31mred\x07",
    "right to left": "\u202egnp.exe",
    "separator": "a\u2028b",
    "formula": "=1+1",
    "template": "{{ 7 * 7 }}{% raw %}",
    "long": "x" * 10_000,
    "bytes": "\udcff",
}


class Reader(HTMLParser):
    """Collects elements, their attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def records() -> list[Record]:
    few = {"ways": 4, "queries": 3, "episodes": 30}
    runs = [fb.run("pixels", "digits", parameters={"size": size}, **few) for size in (4, 8, 12)]
    gallery = fb.run("pixels", "digits", protocol="retrieval", ways=4, shots=3, queries=3, episodes=5)
    return [*runs, gallery]


@pytest.fixture(scope="module")
def text(records) -> str:
    return page(tables(records), "Board")


def test_everything_is_inside_and_nothing_is_asked_for(text: str) -> None:
    for tag, attributes in Reader(text).tags:
        for name in ("src", "href", "action", "xlink:href"):
            value = attributes.get(name) or ""
            assert not value or value.startswith(("#", "data:")), (tag, value)
    style = re.sub(r"https?://(www\.)?w3\.org/\S+", "", text)
    assert not re.findall(r"@import|url\((?!#)", style)


def test_anchors_exist_and_identifiers_are_unique(text: str) -> None:
    tags = Reader(text).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {a["href"][1:] for _, a in tags if (a.get("href") or "").startswith("#") and len(a["href"]) > 1}
    assert links and links <= set(ids)


def test_no_mark_of_mathematics_is_left_in_a_figure(text: str) -> None:
    assert "mathdefault" not in text


def test_the_same_records_give_the_same_page(records, text: str) -> None:
    assert page(tables(records), "Board") == text


def test_rows_have_method_number_and_interval(records, text: str) -> None:
    shown = section(tables(records)[0], "t1", "title")
    assert [row.mean for row in shown.rows] == sorted((row.mean for row in shown.rows), reverse=True)
    low, high = shown.scale
    for row in shown.rows:
        assert low <= row.low <= row.mean <= row.high <= high
        assert f">{row.texts['score']}<" in text
    assert float(shown.place(low)) == 0 and float(shown.place(high)) == 100


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_harmless(records, name: str) -> None:
    bad = HOSTILE[name]
    changed = {
        "method": bad, "summary": bad, "dataset": bad, "variant": bad, "pretraining": bad, "command": bad,
        "reference": bad, "dataset_notes": [bad], "parameters": {bad: bad}, "parameters_set": {bad: bad},
        "protocol": bad, "created": bad, "method_distribution": bad,
        "environment": {"packages": {bad: bad}, "device": bad}, "training": {"log": {bad: {bad: [1.0, None, bad]}}},
    }  # fmt: skip
    arrays = records[0].arrays | {"class_names": np.array([bad] * 10)}
    made = tables([Record(records[0].data | changed, arrays), records[1]])
    text = page(made, bad)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\u202a-\u202e]|[\ud800-\udfff]", text)
    assert len(text) < 1_000_000
    tags = Reader(text).tags
    assert not [a for _, a in tags if any(key.startswith("on") for key in a)]
    assert {tag for tag, _ in tags} <= {tag for tag, _ in Reader(page(tables(records), "t")).tags} | {
        "nav",
        "ol",
        "li",
    }
    assert len([1 for tag, _ in tags if tag == "script"]) == 3
    assert "49" not in Reader(text).text[1]


def test_accuracy_of_each_class_confusions_and_hard_pictures_by_a_slow_count(records) -> None:
    record = records[0]
    found, query, classes = by_class(record), record.per_query, record.arrays["classes"]
    counts: dict[int, list[bool]] = {}
    wrong: dict[tuple[int, int], int] = {}
    asked: dict[int, list[bool]] = {}
    for episode, row in enumerate(query["label"]):
        for place, label in enumerate(row):
            if label < 0:
                continue
            said = query["prediction"][episode, place]
            true, answer = int(classes[episode, label]), int(classes[episode, said])
            counts.setdefault(true, []).append(true == answer)
            asked.setdefault(int(query["picture"][episode, place]), []).append(true == answer)
            if true != answer:
                wrong[true, answer] = wrong.get((true, answer), 0) + 1
    assert {c: (share, n) for c, share, n in found["classes"]} == {
        c: (pytest.approx(np.mean(right), abs=1e-4), len(right)) for c, right in counts.items()
    }
    assert [times for _, _, times in found["confused"]] == sorted(wrong.values(), reverse=True)[:8]
    assert all(wrong[a, b] == times for a, b, times in found["confused"])
    shares = sorted(np.mean(right) for right in asked.values() if len(right) > 1)
    assert [share for *_, share, _ in found["hardest"]] == pytest.approx(shares[:8], abs=1e-3)
    index = fb.dataset("digits")
    for digest, owner, *_ in found["hardest"]:
        row = next(r for r in range(len(index)) if bytes(index.digests[r, :8]).hex() == digest)
        assert index.labels[row] == owner


def test_five_hundred_records_are_less_than_five_megabytes(records) -> None:
    many = [
        Record({**records[0].data, "method": f"method-{n}", "identity": f"{n:064}"}, records[0].arrays)
        for n in range(500)
    ]
    made = Table(tuple(replace(tables([one])[0].standings[0], ranks=(1, 500)) for one in many))
    text = page([made], "many")
    assert text.count('class="row') == 500
    assert len(text.encode()) < 5_000_000


def test_details_can_leave_the_classes_out(records) -> None:
    standing = tables(records)[0].standings[0]
    assert "classes" in details(standing, classes=True)
    assert "classes" not in details(standing, classes=False)
    assert json.dumps(details(standing, classes=True))


def test_the_front_is_what_nothing_dominates() -> None:
    assert pareto([1, 2, 3, 3], [50, 60, 55, 70]) == {0, 1, 3}
    assert pareto([1, 1], [50, 50]) == {0, 1}
