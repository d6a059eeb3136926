"""What a notebook shows, and the frames and the figure of a record."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pytest

import fewshot_bench as fb
from fewshot_bench.notebook import facts, grid
from fewshot_bench.records import Record

FEW = {"ways": 4, "queries": 3, "episodes": 20}


@pytest.fixture(scope="module")
def record() -> Record:
    return fb.run("pixels", "digits", **FEW)


class Tags(HTMLParser):
    """Collects the names of elements and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)

    def handle_data(self, data):
        self.texts.append(data)


def test_record_episodes_index_and_comparison_show_themselves(record) -> None:
    other = fb.run("pixels", "digits", parameters={"size": 4}, **FEW)
    shown = {
        "Record of pixels": record,
        "Episodes": fb.sample("digits", **FEW),
        "Data set digits": fb.dataset("digits"),
        "pixels − pixels, in points": fb.compare(record, other),
    }
    for title, thing in shown.items():
        found = Tags(thing._repr_html_())
        assert found.texts[0] == title
        assert found.names == {"div", "strong", "table", "tr", "th", "td"}
    text = "".join(Tags(record._repr_html_()).texts)
    assert f"{100 * record.accuracy.mean:.1f} %" in text and record.episodes_sha256[:16] in text


def test_hostile_text_is_harmless(record) -> None:
    bad = "<script>alert(1)</script>\x1b[31m\u202e" + "x" * 10_000
    changed = Record(record.data | {"method": bad, "command": bad, "dataset": bad}, record.arrays)
    for text in (changed._repr_html_(), facts(bad, [(bad, bad)]), grid(bad, [bad], [[bad]])):
        assert "<script" not in text and "\x1b" not in text and "\u202e" not in text
        assert len(text) < 5000


def test_frames_say_what_the_record_says(record) -> None:
    queries, classes = record.frame(), record.per_class()
    assert queries.groupby("episode")["right"].mean().mean() == pytest.approx(record.accuracy.mean)
    assert (queries["right"] == (queries["class"] == queries["answer"])).all()
    assert queries["ap"].between(0, 1).all() and (queries["rank"] >= 0).all()
    by_hand = queries.groupby("class")["right"].agg(["mean", "size"])
    assert classes.set_index("class")["accuracy"].to_dict() == pytest.approx(by_hand["mean"].to_dict())
    assert classes.set_index("class")["queries"].to_dict() == by_hand["size"].to_dict()
    assert classes["accuracy"].is_monotonic_increasing


def test_without_names_classes_are_numbers(record) -> None:
    arrays = {name: array for name, array in record.arrays.items() if name != "class_names"}
    nameless = Record(record.data, arrays)
    assert np.issubdtype(nameless.frame()["class"].dtype, np.integer)
    assert set(nameless.per_class()["class"]) == {str(number) for number in range(10)}


def test_the_figure_has_a_bar_a_class_and_the_mean(record) -> None:
    axes = record.plot()
    assert len(axes.patches) == 10
    assert axes.lines[0].get_xdata()[0] == pytest.approx(100 * record.accuracy.mean)
    assert record.plot(axes) is axes
