"""Tables: one per set of episodes, ranks tied where the paired interval includes zero, text escaped."""

from __future__ import annotations

import numpy as np
import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.records import Record
from fewshot_bench.report.comparison import compare_records
from fewshot_bench.report.leaderboard import cells, duration, frame, ranks, tables
from fewshot_bench.report.markdown import markdown
from fewshot_bench.report.page import page
from fewshot_bench.report.summary import summary

EPISODES, WAYS, QUERIES, CLASSES = 300, 5, 10, 30


def record(method: str, skill: float, *, seed: int = 0, episodes: str = "ab", **changes) -> Record:
    """A method that is right with probability ``skill``; the episodes are the same for all."""
    shared, own = np.random.default_rng(7), np.random.default_rng(seed)
    classes = np.argsort(shared.random((EPISODES, CLASSES)), axis=1)[:, :WAYS].astype(np.int32)
    label = np.tile(np.arange(WAYS).repeat(QUERIES // WAYS), (EPISODES, 1))
    right = own.random(label.shape) < skill
    prediction = np.where(right, label, (label + 1) % WAYS)
    mean = float(right.mean())
    score = {"mean": mean, "ci95": 0.01, "ci_kind": "over episodes", "class_interval": [mean - 0.05, mean + 0.05],
             "class_ci_kind": "over classes"}  # fmt: skip
    data = {
        "schema_version": 1, "protocol": "fewshot", "dropped": [],
        "method": method, "method_distribution": "toy 1.0", "parameters": {"k": 1},
        "parameters_set": {}, "dataset": "toy", "variant": "default", "dataset_notes": [], "synthetic": False,
        "images": 100, "classes": CLASSES, "split": "all", "ways": WAYS, "shots": 1, "queries": 2,
        "episodes": EPISODES, "seed": 0, "episodes_sha256": episodes * 32, "transductive": False,
        "pretraining": "none", "accuracy": score, "map": score, "timings": {"score": 3.0},
        "command": f"fsbench run --method {method}",
    }  # fmt: skip
    arrays = {
        "classes": classes,
        "query_label": label,
        "query_prediction": prediction,
        "query_ap": np.where(right, 1.0, 0.5),
        "episode_accuracy": right.mean(axis=1),
    }
    return Record(data | changes, arrays)


def test_methods_that_cannot_be_told_apart_share_a_rank():
    best, good, same, floor = (
        record("best", 0.9, seed=1), record("good", 0.701, seed=2), record("same", 0.7, seed=3), record("floor", 0.2),
    )  # fmt: skip
    assert ranks([best, good, same, floor]) == [1, 2, 2, 4]


def test_transductive_methods_are_ranked_apart():
    assert ranks([record("best", 0.9, transductive=True), record("good", 0.7, seed=2)]) == [1, 1]


def test_the_paired_difference_is_the_difference_of_means_and_needs_the_same_episodes():
    first, second = record("a", 0.9, seed=1), record("b", 0.7, seed=2)
    compared = compare_records(first, second)
    assert compared.accuracy.over_episodes.mean == pytest.approx(first.accuracy.mean - second.accuracy.mean)
    assert compared.accuracy.above_zero and not compare_records(second, first).accuracy.above_zero
    assert not compare_records(first, first).accuracy.above_zero
    assert "over classes" in compared.accuracy.over_classes.kind and "a − b, in points" in compared.text()
    with pytest.raises(UsageError, match="different episodes"):
        compare_records(first, record("c", 0.5, episodes="cd"))


def test_two_sets_of_episodes_are_two_tables_and_synthetic_ones_come_last():
    drawn = record("a", 0.9, episodes="cd", synthetic=True, dataset="aaa")
    made = tables([drawn, record("a", 0.9), record("b", 0.5)])
    assert [len(t.rows) for t in made] == [2, 1]
    assert [t.first.dataset for t in made] == ["toy", "aaa"]
    text = markdown(made)
    assert text.index("## toy") < text.index("## aaa") and "Drawn pictures, not photographs" in text
    data = frame(made)
    assert data["method"].tolist() == ["a", "b", "a"] and data["rank"].tolist() == [1, 2, 1]


def test_weights_that_saw_what_is_evaluated_are_marked():
    seen = record("a", 0.9, pretraining="ImageNet-1k", contaminated=["ImageNet"], scores_sha256="ef")
    made = tables([seen, record("b", 0.5, contaminated=[]), record("c", 0.4)])
    for text in (markdown(made), page(made)):
        assert text.count("ImageNet-1k (contaminated)") == 1 and text.count("(contaminated)") == 1
    assert frame(made)["contaminated"].tolist() == [True, False, False]
    assert "pretraining: ImageNet-1k (contaminated)" in summary(seen)


def test_a_missing_number_stays_blank():
    lonely = record("a", 0.9)
    lonely.data["accuracy"] = {
        **lonely.data["accuracy"],
        "ci95": None,
        "class_interval": None,
        "class_ci_kind": "why",
    }
    text = markdown(tables([lonely]))
    assert "| a | 9" in text and "None" not in text and "nan" not in text


def test_text_is_escaped_in_markdown_and_html():
    nasty = "<script>alert('x')</script> | *bold*"
    made = tables([record("a", 0.9, dataset=nasty, pretraining=nasty, dataset_notes=[nasty])])
    assert "<script>" not in page(made, nasty)
    assert "&lt;script&gt;" in page(made)
    assert "<script>" not in markdown(made).replace("\\<script\\>", "") and "\\|" in markdown(made)


def test_times_are_said_as_a_person_says_them():
    short = [duration(ms / 1000) for ms in (0.0444, 0.5, 3.74, 9.96, 14.6, 152, 996)]
    assert short == ["0.044 ms", "0.5 ms", "3.7 ms", "10 ms", "15 ms", "150 ms", "1000 ms"]
    long = [duration(s) for s in (1, 2.449, 35, 89, 90, 1020, 9000)]
    assert long == ["1 s", "2.4 s", "35 s", "89 s", "2 min", "17 min", "2.5 h"]


def test_the_time_of_trainings_is_shown_where_it_is_known():
    both = {
        "teacher": {"seconds": 600.0, "images/s": [9.0]},
        "student": {"seconds": 420.0, "images/s": [9.0]},
    }
    part = {**both, "teacher": {"seconds": None, "images/s": []}}
    made = tables(
        [
            record("both", 0.9, training={"timings": both}),
            record("part", 0.7, seed=1, training={"timings": part}),
            record("none", 0.5, training=None),
        ]
    )
    assert [cells(row)["training"] for row in made[0].rows] == ["17 min", "", ""]
    assert "| 17 min | 10 ms |" in markdown(made) and "17 min" in page(made)
    assert frame(made)["training_seconds"].fillna(-1).tolist() == [1020.0, -1, -1]
