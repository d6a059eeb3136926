"""Tables: one per set of episodes, ranks tied where the paired interval includes zero, text escaped."""

from __future__ import annotations

import numpy as np
import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.records import Record, Score
from fewshot_bench.report.comparison import compare_records
from fewshot_bench.report.leaderboard import cells, duration, ranks, standings, tables
from fewshot_bench.report.markdown import markdown
from fewshot_bench.report.page import page
from fewshot_bench.report.plain import frame
from fewshot_bench.report.scores import with_interval
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
    score = {"mean": mean, "interval": [mean - 0.01, mean + 0.01], "kind": "over episodes",
             "class_interval": [mean - 0.05, mean + 0.05], "class_kind": "over classes"}  # fmt: skip
    data = {
        "schema_version": 2, "protocol": "fewshot", "dropped": [],
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
    }
    return Record(data | changes, arrays)


def test_methods_that_cannot_be_told_apart_share_a_rank():
    best, good, same, floor = (
        record("best", 0.9, seed=1), record("good", 0.701, seed=2), record("same", 0.7, seed=3), record("floor", 0.2),
    )  # fmt: skip
    assert ranks(standings([best, good, same, floor])) == [(1, 1), (2, 3), (2, 3), (4, 4)]


def test_transductive_methods_are_ranked_apart():
    made = standings([record("best", 0.9, transductive=True), record("good", 0.7, seed=2)])
    assert ranks(made) == [(1, 1), (1, 1)]


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
    assert [len(t.standings) for t in made] == [2, 1]
    assert [t.first.dataset for t in made] == ["toy", "aaa"]
    text = markdown(made)
    assert text.index("## toy") < text.index("## aaa") and "Drawn pictures, not photographs" in text
    data = frame(made)
    assert data["method"].tolist() == ["a", "b", "a"] and data["rank_low"].tolist() == [1, 2, 1]


def test_weights_that_saw_what_is_evaluated_are_marked():
    seen = record("a", 0.9, pretraining="ImageNet-1k", contaminated=["ImageNet"], scores_sha256="ef")
    made = tables([seen, record("b", 0.5, contaminated=[]), record("c", 0.4)])
    text, html = markdown(made), page(made)
    assert text.count("ImageNet-1k (contaminated)") == 1 and text.count("(contaminated)") == 1
    assert html.count('title="ImageNet-1k (contaminated)"') == 1 == html.count('data-contaminated="yes"')
    assert frame(made)["contaminated"].tolist() == [True, False, False]
    assert "pretraining: ImageNet-1k (contaminated)" in summary(seen)


def test_a_missing_number_stays_blank():
    lonely = record("a", 0.9)
    lonely.data["accuracy"] = {
        **lonely.data["accuracy"],
        "interval": None,
        "class_interval": None,
        "class_kind": "why",
    }
    text = markdown(tables([lonely]))
    assert "| a | 9" in text and "None" not in text and "nan" not in text


def test_text_is_escaped_in_markdown_and_html():
    nasty = "<script>alert('x')</script> | *bold*"
    made = tables([record("a", 0.9, dataset=nasty, pretraining=nasty, dataset_notes=[nasty])])
    assert "<script>alert" not in page(made, nasty)
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
    assert [cells(row)["training"] for row in made[0].standings] == ["17 min", "", ""]
    assert "| 17 min | 10 ms |" in markdown(made) and "17 min" in page(made)
    assert frame(made)["training_seconds"].fillna(-1).tolist() == [1020.0, -1, -1]


def test_plus_minus_stands_only_where_both_sides_are_equal_as_shown():
    def shown(mean, low, high):
        return with_interval(Score(mean, (low, high), "any"))

    assert shown(0.5, 0.49, 0.51) == "50.0 ± 1.0"
    assert shown(1.0, 0.7225, 1.0) == "100.0 (72.2 to 100.0)"
    assert shown(0.985, 0.962, 0.994) == "98.5 (96.2 to 99.4)"
    assert shown(0.99, 0.975, 1.005) == "99.0 (97.5 to 100.0)"  # symmetric, and no share is above 100 %
    assert with_interval(Score(0.5, None, "why")) == "50.0"


def test_wilsons_ends_reach_every_format():
    score = {"mean": 1.0, "interval": [0.7225, 1.0], "kind": "over test pictures (Wilson)", "class_interval": None,
             "class_kind": "why"}  # fmt: skip
    perfect = record("a", 1.0, accuracy=score, scores_sha256="ef", protocol="classification")
    made = tables([perfect])
    assert "100.0 (72.2 to 100.0)" in markdown(made) and "13" not in cells(made[0].standings[0])["accuracy %"]
    assert ">100.0</td>" in page(made) and ">(72.2 to 100.0)</td>" in page(made)
    assert "100.0 %, 72.2 to 100.0 %   (over test pictures (Wilson))" in summary(perfect)
    assert frame(made)[["accuracy_low", "accuracy_high"]].values.tolist() == [[0.7225, 1.0]]


def trained(seed: int, skill: float, **changes) -> Record:
    typed = {"parameters_set": {"epochs": 3}, "parameters": {"epochs": 3}}
    return record("net", skill, seed=seed, **{**typed, "train_seed": seed, **changes})


def test_several_trainings_of_one_configuration_are_one_row_with_its_spread():
    made = tables([trained(2, 0.8), trained(0, 0.6), trained(1, 0.7), record("other", 0.3, seed=9)])
    net, other = made[0].standings
    assert [r.train_seed for r in net.trainings] == [0, 1, 2] and len(other.trainings) == 1
    means = [r.accuracy.mean for r in net.trainings]
    assert net.accuracy.mean == pytest.approx(np.mean(means))
    assert (
        net.accuracy.interval == (min(means), max(means))
        and net.accuracy.kind == "lowest to highest of 3 trainings"
    )
    assert net.accuracy.class_interval[0] < net.accuracy.mean < net.accuracy.class_interval[1]
    shown = cells(net)
    spread = f"({100 * min(means):.1f} to {100 * max(means):.1f})"
    assert shown["trainings"] == "3" and shown["accuracy %"] == f"{100 * np.mean(means):.1f} {spread}"
    text, html = markdown(made), page(made)
    for r in net.trainings:
        assert (
            f"net (epochs=3), training seed {r.train_seed}: accuracy {100 * r.accuracy.mean:.1f} ± 1.0"
            in text
        )
        assert f"training seed {r.train_seed}: accuracy" in html
    assert html.count("mean of 3 trainings") == 1
    data = frame(made)
    assert data["training"].tolist() == [1, 2, 3, 1] and data["trainings"].tolist() == [3, 3, 3, 1]
    assert data["train_seed"].tolist() == [0, 1, 2, 0] and data["rank_low"].tolist() == [1, 1, 1, 2]


def test_the_rank_of_several_trainings_is_of_their_mean():
    """One lucky training does not make a method better; the mean of its trainings is what is compared."""
    lucky = [trained(1, 0.80), trained(2, 0.40), trained(3, 0.40)]
    steady = record("steady", 0.7, seed=8)
    assert [e.record.method for e in tables([lucky[0], steady])[0].standings] == ["net", "steady"]
    made = tables([*lucky, steady])[0].standings
    assert [(e.record.method, e.ranks) for e in made] == [("steady", (1, 1)), ("net", (2, 2))]


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": {"epochs": 4}},
        {"training": {"dataset": "another", "fingerprint": "ab"}},
        {"method_distribution": "fork 1.0"},
        {"registered": False},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_configuration_is_no_training_of_the_first(change):
    assert len(tables([trained(0, 0.7), trained(1, 0.7, **change)])[0].standings) == 2


def test_of_a_training_recorded_twice_the_newest_counts_and_the_other_is_named():
    old = trained(0, 0.5, created="2024-01-01T00:00:00Z", identity="a" * 64, device="cpu")
    new = trained(0, 0.7, created="2025-01-01T00:00:00Z", identity="b" * 64, device="cuda")
    migrated = trained(0, 0.4, created=None, identity="c" * 64)
    made = tables([new, old, migrated])
    assert [r.identity[0] for r in made[0].standings[0].trainings] == ["b"]
    line = (
        "2 older records are not shown, for the same training was recorded again: net aaaaaaaa, net cccccccc"
    )
    assert line in page(made) and line in markdown(made)
    assert frame(made)["identity"].tolist() == ["b" * 64]
    assert "not shown" not in page(tables([new]))


def test_a_class_that_no_package_names_is_marked():
    made = tables([record("mine", 0.7, registered=False)])
    assert "mine (not registered)" in markdown(made) and "mine (not registered)" in page(made)


def test_names_that_are_no_utf8_are_shown_escaped():
    odd = "m\udce4rkte"
    made = tables(
        [record("a", 0.9, dataset=odd, dataset_notes=[odd], pretraining=odd, command=odd, scores_sha256="e")]
    )
    texts = [markdown(made, odd), page(made, odd), summary(made[0].first)]
    texts += [frame(made).to_csv(), frame(made).to_json(force_ascii=False)]
    for text in texts:
        text.encode("utf-8")
        assert "udce4rkte" in text


def test_a_protocol_that_this_release_does_not_know_has_a_title_and_ranks_by_accuracy():
    made = tables([record("a", 0.9, protocol="open-set")])
    assert made[0].title == "toy (default): open-set, 5-way 1-shot, 2 queries a class, 300 episodes"
    assert made[0].standings[0].headline[0] == "accuracy"


def test_records_that_lack_what_came_later_still_make_a_table():
    old = record("a", 0.9)
    assert (
        not {"created", "identity", "train_seed", "registered", "ranked_by", "contaminated"} & old.data.keys()
    )
    assert "| 1 | a |" in markdown(tables([old]))


def test_the_order_of_queries_in_a_class_changes_no_comparison():
    """A record made with schema 1 has them in the order of its run, one of schema 2 by picture."""
    first, second = record("a", 0.9, seed=1), record("b", 0.7, seed=2)
    expected = compare_records(first, second).accuracy
    generator = np.random.default_rng(5)
    order = np.argsort(generator.random(second.arrays["query_label"].shape), axis=1)
    moved = {
        k: np.take_along_axis(v, order, axis=1) if k.startswith("query_") else v
        for k, v in second.arrays.items()
    }
    found = compare_records(first, Record(second.data, moved)).accuracy
    for one, other in (
        (found.over_classes, expected.over_classes),
        (found.over_episodes, expected.over_episodes),
    ):
        assert (one.mean, one.low, one.high) == pytest.approx((other.mean, other.low, other.high))
