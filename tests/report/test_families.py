"""Intervals over families: from the data set into the record, its file, its lines and the page's details."""

import dataclasses

import numpy as np
import pytest

import fewshot_bench as fb
from fewshot_bench.errors import FsbenchError
from fewshot_bench.metrics import accuracy_deletion, family_interval
from fewshot_bench.records import read, save
from fewshot_bench.report.leaderboard import standings, tables
from fewshot_bench.report.measure import over_families
from fewshot_bench.report.page.details import details
from fewshot_bench.report.plain import frame
from fewshot_bench.report.standing import three_lines
from fewshot_bench.report.summary import summary

FEW = {"ways": 3, "queries": 3, "episodes": 60}
ROUND = tuple("round" if digit in "0689" else f"stroke {digit}" for digit in "0123456789")


@pytest.fixture(scope="module")
def digits():
    return fb.dataset("digits")


@pytest.fixture(scope="module")
def record(digits):
    return fb.run("pixels", dataclasses.replace(digits, families=ROUND), parameters={"size": 4}, **FEW)


def test_a_record_keeps_the_families_of_its_data_set_and_gives_them_back(record, tmp_path):
    again = read(save(record, tmp_path))
    assert again.arrays["class_families"].tolist() == list(ROUND)
    assert over_families([again], "accuracy") == over_families([record], "accuracy")


def test_the_interval_is_that_of_the_arrays(record):
    query, classes = record.per_query, record.arrays["classes"]
    made = accuracy_deletion(query["label"], query["prediction"], query["rank"], classes)
    numbers = np.unique(np.array(ROUND), return_inverse=True)[1]
    assert over_families([record], "accuracy") == family_interval(made, numbers)


def test_every_view_of_the_record_shows_it(record):
    found = over_families([record], "accuracy")
    shown = f"{100 * found.low:.1f} to {100 * found.high:.1f} %"
    assert f"{shown}   (over families of classes" in summary(record)
    assert f"{shown} for new families" in three_lines(record, [record], "results")[0]
    (one,) = standings([record])
    assert details(one, classes=True)["made"]["accuracy, over families"] == shown
    assert frame(tables([record]))["accuracy_family_low"].tolist() == [found.low]


def test_families_change_neither_the_episodes_nor_the_fingerprint_nor_the_scores(digits, record):
    plain = fb.run("pixels", digits, parameters={"size": 4}, **FEW)
    for name in ("episodes_sha256", "dataset_fingerprint", "scores_sha256"):
        assert plain.data[name] == record.data[name]
    assert over_families([plain], "accuracy") is None
    assert "families" not in summary(plain)


def test_a_subset_keeps_the_families_of_its_classes(digits):
    index = dataclasses.replace(digits, families=ROUND)
    assert index.take_classes(np.array([0, 3])).families == ("round", "stroke 3")


@pytest.mark.parametrize(
    ("families", "sentence"),
    [(("a", "b"), "2 families for 10 classes"), ((*ROUND[:9], ""), r"families\[\d\] = ''")],
)
def test_families_that_do_not_fit_the_classes_are_refused(digits, families, sentence):
    with pytest.raises(FsbenchError, match=sentence):
        dataclasses.replace(digits, families=families)
