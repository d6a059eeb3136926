"""The gallery of failures: hardest queries with their pictures, where the licence allows it, and nowhere else."""

from __future__ import annotations

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import fewshot_bench as fb
from fewshot_bench.cli import guarded
from fewshot_bench.cli.recorded import request_of
from fewshot_bench.datasets.digits import Digits
from fewshot_bench.errors import FsbenchError
from fewshot_bench.records import Record
from fewshot_bench.sheets.gallery import SIDE, gallery, hardest

FEW = {"ways": 5, "queries": 4, "episodes": 40}


@pytest.fixture(scope="module")
def record() -> Record:
    return fb.run("pixels", "digits", parameters={"size": 2}, **FEW)


def picture(address: str) -> Image.Image:
    head, _, data = address.partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_the_hardest_are_those_of_a_slow_count(record) -> None:
    query, classes = record.per_query, record.arrays["classes"]
    asked: dict[int, list[bool]] = {}
    owner: dict[int, int] = {}
    for episode, row in enumerate(query["label"]):
        for place, label in enumerate(row):
            if label >= 0:
                number = int(query["picture"][episode, place])
                asked.setdefault(number, []).append(query["prediction"][episode, place] == label)
                owner[number] = int(classes[episode, label])
    lowest: dict[int, float] = {}
    for number, right in asked.items():
        if not all(right):
            lowest[owner[number]] = min(lowest.get(owner[number], 1.0), float(np.mean(right)))
    found = hardest(record, 6)
    assert [share for _, _, share, _ in found] == sorted(lowest.values())[:6]
    for episode, place, _, times in found:
        assert query["label"][episode, place] != query["prediction"][episode, place]
        assert len(asked[int(query["picture"][episode, place])]) == times


def test_three_small_pictures_of_the_right_classes(record) -> None:
    index = fb.dataset("digits")
    found = gallery(record, request_of(record))
    assert len(found) == 6
    for failure in found:
        assert failure.said != failure.truth
        assert {failure.said, failure.truth} <= set(index.class_names)
        for address in (failure.query, failure.answered, failure.right):
            assert picture(address).size == (SIDE, SIDE)
        assert 0 <= failure.share < 1 <= failure.asked


def test_what_may_not_be_shown_is_a_sentence(record, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Digits, "card", replace(Digits.card, may_show=False))
        with pytest.raises(FsbenchError, match="are not shown: their licence"):
            gallery(record, request_of(record))
    blind = {name: a for name, a in record.arrays.items() if "picture" not in name}
    with pytest.raises(FsbenchError, match="does not know the pictures"):
        gallery(Record(record.data, blind), request_of(record))
    other = Record(record.data | {"episodes_sha256": "0" * 64}, record.arrays)
    with pytest.raises(FsbenchError, match="are not those of the record"):
        gallery(other, request_of(record))


def test_the_page_shows_them_when_asked(record, tmp_path, capsys) -> None:
    run = [
        "run",
        "--method",
        "pixels",
        "--dataset",
        "digits",
        "--ways",
        "5",
        "--queries",
        "4",
        "--episodes",
        "20",
    ]
    assert guarded([*run, "--set", "size=2", "--results", str(tmp_path / "r")], debug=False) == 0
    page = tmp_path / "page.html"
    line = ["leaderboard", str(tmp_path / "r"), "--format", "html", "--output", str(page)]
    assert guarded(line, debug=False) == 0
    assert "data:image/jpeg" not in page.read_text()
    assert guarded([*line, "--pictures"], debug=False) == 0
    assert page.read_text().count("data:image/jpeg") == 18
