"""Metrics of a run: in the record, in the identity, over chunks and a stop; a bad one is a sentence."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import fewshot_bench as fb
from fewshot_bench.api import EpisodicMethod, Metric
from fewshot_bench.cli import guarded, listing
from fewshot_bench.contract import registry
from fewshot_bench.engine import Request, scoring
from fewshot_bench.engine.measuring import plain_scores
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.metrics import episode_interval, episode_means, macro_f1
from fewshot_bench.records import read_all
from fewshot_bench.report.leaderboard import tables
from fewshot_bench.report.markdown import markdown
from fewshot_bench.report.page import page
from fewshot_bench.report.plain import frame
from fewshot_bench.report.summary import summary

RUN = {"ways": 6, "queries": 3, "episodes": 40}

METRIC = """
import numpy as np
from fewshot_bench.api import Metric

class Margin(Metric):
    api_version = 1
    name = "margin"
    summary = "score of the true class minus the best other"

    def __call__(self, scores, labels):
        own = np.eye(scores.shape[2], dtype=bool)[labels.clip(min=0)]
        return scores[own].reshape(labels.shape) - np.where(own, -np.inf, scores).max(axis=2)
"""


class Half(EpisodicMethod):
    """Probabilities that are a function of the pictures; stops when it is told to."""

    api_version = 1
    name = "half"
    summary = "a softmax of distances of pictures"
    calibrated = True
    image_size = 8
    pretraining = "none"
    calls = 0
    stop_at: int | None = None

    def solve(self, tasks):
        type(self).calls += 1
        if self.stop_at is not None and type(self).calls > self.stop_at:
            raise KeyboardInterrupt
        support = tasks.support_images.astype(float)[:, :, 0].reshape(len(tasks), tasks.tasks.ways, -1)
        query = tasks.query_images.astype(float).reshape(len(tasks), tasks.tasks.query.shape[1], -1)
        near = -((query[:, :, None] - support[:, None]) ** 2).sum(-1) / 1e6
        near = np.exp(near - near.max(-1, keepdims=True))
        return near / near.sum(-1, keepdims=True)


@pytest.fixture
def half(monkeypatch):
    monkeypatch.setattr(Half, "calls", 0)
    monkeypatch.setattr(Half, "stop_at", None)
    return Half


class Returns(Metric):
    """Gives what it is told to give."""

    api_version = 1
    name = "returns"
    summary = "what it is told to"
    made = staticmethod(lambda scores, labels: labels * 0.0)

    def __call__(self, scores, labels):
        return type(self).made(scores, labels)


def test_values_intervals_and_their_kind_are_in_the_record_and_in_the_file(half, tmp_path):
    seen = []

    class Seeing(Returns):
        name = "seeing"
        made = staticmethod(lambda scores, labels: seen.append((scores, labels)) or macro_f1(scores, labels))

    record = fb.run(half, "digits", **RUN, metrics=["top5", "macro-f1", "ece", Seeing], results=tmp_path)
    assert list(record.data["metrics"]) == ["ece", "macro-f1", "seeing", "top5"]
    scores, labels = (np.concatenate([pair[i] for pair in seen]) for i in (0, 1))
    assert (
        scores.dtype == np.float64 and scores.shape == (40, 18, 6) and len(seen) == 3
    )  # chunks of 16 episodes
    means = macro_f1(scores, labels)
    over = episode_interval(means)
    assert record.data["metrics"]["macro-f1"] == {
        "mean": over.mean,
        "interval": [over.low, over.high],
        "kind": "over episodes (Student t)",
    }
    assert record.data["metrics"]["seeing"] == record.data["metrics"]["macro-f1"]
    ranks = record.per_query["rank"]
    assert record.metrics["top5"].mean == pytest.approx(
        episode_means((ranks < 5).astype(float), record.per_query["label"]).mean()
    )
    assert 0 < record.metrics["ece"].mean < 1
    assert read_all([tmp_path])[0].metrics == record.metrics
    assert f"\ntop5      {record.metrics['top5'].mean:.4f}, " in summary(record)
    assert record.command.startswith("# unregistered")
    (facts,) = [row for row in record.identity_facts["metrics"] if row["name"] == "seeing"]
    assert facts["distribution"] == "unregistered" and len(facts["source"]) == 64


@pytest.mark.slow
def test_a_run_without_metrics_is_as_it_was_and_each_metric_is_another_result():
    plain, some = fb.run("pixels", "digits", **RUN), fb.run("pixels", "digits", **RUN, metrics=["top5"])
    more = fb.run("pixels", "digits", **RUN, metrics=("top5", "macro-f1", "top5"))
    assert "metrics" not in plain.data and "metrics" not in plain.identity_facts and plain.metrics == {}
    assert some.scores_sha256 == plain.scores_sha256 and some.accuracy == plain.accuracy
    assert len({plain.identity, some.identity, more.identity}) == 3
    assert {k: v for k, v in some.identity_facts.items() if k != "metrics"} == plain.identity_facts
    assert some.metrics["top5"] == more.metrics["top5"]
    assert more.identity == fb.run("pixels", "digits", **RUN, metrics=["macro-f1", "top5"]).identity
    assert "--metric macro-f1 --metric top5" in more.command and "--metric" not in plain.command


def test_a_stopped_run_goes_on_with_the_values_of_its_finished_chunks(half, monkeypatch):
    whole = fb.run(half, "digits", **RUN, metrics=["macro-f1", "ece"])
    monkeypatch.setattr(half, "calls", 0)
    monkeypatch.setattr(half, "stop_at", 2)
    with pytest.raises(KeyboardInterrupt):
        fb.run(half, "digits", **RUN, metrics=["macro-f1", "ece"])
    monkeypatch.setattr(half, "calls", 0)
    monkeypatch.setattr(half, "stop_at", None)
    resumed = fb.run(half, "digits", **RUN, metrics=["macro-f1", "ece"])
    assert half.calls == 1  # 3 chunks of 16 episodes, 2 of them done before
    assert resumed.data["metrics"] == whole.data["metrics"]


def test_metrics_of_an_episode_that_is_scored_in_parts_are_of_the_whole_episode(monkeypatch):
    whole = fb.run("pixels", "digits", **{**RUN, "episodes": 5}, metrics=["macro-f1", "top5"])
    monkeypatch.setattr(scoring, "CHUNK_ELEMENTS", 1)
    monkeypatch.setattr(scoring, "QUERY_ELEMENTS", 24)
    parts = fb.run("pixels", "digits", **{**RUN, "episodes": 5}, metrics=["macro-f1", "top5"])
    assert parts.accuracy == whole.accuracy
    assert parts.data["metrics"] == whole.data["metrics"]


def test_padding_is_as_the_contract_says():
    support = np.array([[[0], [1], [-1]]])
    labels = np.array([[0, 1, -1]])
    scores = np.full((1, 3, 3), np.nan, dtype=np.float32)
    scores[0, :2, :2] = [[0.5, 0.25], [0.125, 1]]
    given = scores.copy()
    made = plain_scores(scores, support, labels)
    assert made.dtype == np.float32
    assert made.tolist() == [[[0.5, 0.25, -np.inf], [0.125, 1, -np.inf], [0, 0, 0]]]
    assert np.array_equal(scores, given, equal_nan=True)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda s, y: y[:1] * 1.0, r"values of shape \(1, 18\) and type float64, and real numbers"),
        (lambda s, y: s * 1.0, r"values of shape \(\d+, 18, 6\)"),
        (lambda s, y: y * 1j, "type complex128"),
        (lambda s, y: y / 0.0, "values that are not finite"),
        (lambda s, y: np.full(len(y), np.nan), "values that are not finite"),
        (lambda s, y: s.fill(0) or y, "failed in its values: ValueError: .*read-only"),
        (lambda s, y: exit(0), "failed in its values: it called exit with 0"),
        (lambda s, y: None, "type object"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*encountered in divide")
def test_a_metric_that_breaks_its_contract_is_a_sentence_that_names_it(made, said):
    bad = type("Bad", (Returns,), {"made": staticmethod(made)})
    with pytest.raises(FsbenchError, match=f"^The metric returns .*{said}"):
        fb.run("pixels", "digits", **{**RUN, "episodes": 3}, metrics=[bad])


def test_calibration_of_a_method_without_probabilities_is_refused_before_anything_is_done():
    with pytest.raises(
        UsageError, match="The metric ece is of probabilities, and the method pixels does not"
    ):
        fb.run("pixels", "no-such-data-set", metrics=["ece"])


def test_an_unknown_metric_suggests_the_closest_before_anything_is_done():
    with pytest.raises(UsageError, match="no metric named 'top-5'; did you mean top5"):
        fb.run("pixels", "no-such-data-set", metrics=["top-5"])


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ("top5", "Metrics are a list"),
        ([3], "The metric 3 is a int and not a class"),
        ([Metric], "The metric Metric states no api_version"),
        ([type("Spaced", (Returns,), {"name": "a/b"})], "has the name 'a/b'"),
        ([type("Two", (Returns,), {}), Returns], "Two metrics are named 'returns'"),
        ([type("Top", (Returns,), {"name": "top5"}), "top5"], "another by the name 'top5'"),
        ([type("Long", (Returns,), {"summary": "two\nlines"})], "a summary that is not one line"),
        ([type("None_", (Metric,), {"api_version": 1})], "does not define __call__"),
    ],
)
def test_what_is_no_metric_is_refused(metrics, said):
    with pytest.raises(UsageError, match=said):
        fb.run("pixels", "digits", metrics=metrics)


def test_a_metric_of_a_third_party_is_listed_and_run_and_a_broken_one_breaks_itself(
    make_plugin, capsys, tmp_path
):
    make_plugin("margin-plugin", METRIC, group=registry.METRICS, margin="Margin")
    make_plugin("broken-plugin", "import no_such_module", group=registry.METRICS, broken="Broken")
    make_plugin("function-plugin", "def f(scores, labels):\n    return labels", group=registry.METRICS, f="f")
    rows = {row["metric"]: row for row in listing.list_metrics()}
    assert {"ece", "macro-f1", "top5", "margin", "broken", "f"} <= rows.keys()
    assert rows["margin"]["distribution"] == "margin-plugin 1.0" and rows["ece"]["of"] == "probabilities"
    assert "no_such_module" in rows["broken"]["broken"]
    assert "is a function and not a class" in rows["f"]["broken"]
    assert guarded(["metrics"], debug=False) == 0
    out, err = capsys.readouterr()
    assert "score of the true class minus" in out and "no_such_module" in err
    words = "run --method pixels --dataset digits --ways 3 --episodes 4 --metric margin --metric top5 --json"
    assert guarded([*words.split(), "--results", str(tmp_path)], debug=False) == 0
    record = json.loads(capsys.readouterr().out)
    assert list(record["metrics"]) == ["margin", "top5"] and record["metrics"]["top5"]["mean"] == 1.0
    (facts,) = [row for row in record["identity_facts"]["metrics"] if row["name"] == "margin"]
    assert (facts["distribution"], facts["version"]) == ("margin-plugin", "1.0")


def test_tables_show_metrics_and_leave_them_blank_where_they_were_not_asked_for():
    with_it = fb.run("pixels", "digits", **RUN, metrics=["top5"])
    without = fb.run("pixels", "digits", **RUN, parameters={"size": 4})
    made = tables([with_it, without])
    mean = with_it.metrics["top5"].mean
    assert f"| {mean:.4f} |" in markdown(made)
    data = frame(made).set_index("identity")
    assert data.loc[with_it.identity, "metric_top5"] == mean
    assert np.isnan(data.loc[without.identity, "metric_top5"])
    assert f"{mean:.4f}, " in page(made)


def test_the_metric_of_the_documentation_runs(capsys):
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(compile(block, "metrics.md", "exec"), {"__name__": "metrics_page"})
    mean, low, high = map(
        float, re.findall(r"-\d+\.\d+(?:e-?\d+)?|\d+\.\d+(?:e-?\d+)?", capsys.readouterr().out)
    )
    assert low < mean < high


def test_a_request_keeps_metrics_sorted_and_once():
    assert Request("m", "d", metrics=("b", "a", "b")).metrics == ("a", "b")
