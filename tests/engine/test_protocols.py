"""Protocols: classification is one episode of train and test, retrieval ranks its gallery."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score
from sklearn.neighbors import KNeighborsClassifier

import fewshot_bench as fb
from fewshot_bench.data.split import train_test
from fewshot_bench.engine import Request, evaluated
from fewshot_bench.engine.scoring import Scored, evaluate
from fewshot_bench.episodes import save_manifest
from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.errors import UsageError
from fewshot_bench.protocols import PROTOCOLS
from fewshot_bench.report.leaderboard import tables
from fewshot_bench.report.markdown import markdown


def table(index, size=32):
    pixels = [
        np.asarray(index.reader(i).resize((size, size), 2), dtype=np.float32) for i in range(len(index))
    ]
    return np.stack(pixels).reshape(len(index), -1)


@pytest.mark.slow
def test_classification_is_what_scikit_learn_does_with_train_and_test():
    record = fb.run("pixels", "digits", protocol="classification", seed=4)
    index = train_test(fb.dataset("digits"), 4)
    x, train = table(index), index.pools == 1
    model = KNeighborsClassifier(1).fit(x[train], index.labels[train])
    expected = model.score(x[~train], index.labels[~train])
    assert record.accuracy.mean == pytest.approx(expected, abs=2 / (~train).sum())
    assert record.episodes == 1 and record.per_query["label"].shape == (1, (~train).sum())
    assert record.map is None and "ap" not in record.per_query
    assert record.accuracy.kind == "over test pictures (Wilson)"
    assert record.command == "fsbench run --method pixels --dataset digits --protocol classification --seed 4"
    text = markdown(tables([record]))
    assert "digits (default): classification, 10 classes" in text and "mAP" not in text.split("##")[1]


@pytest.mark.slow
def test_one_picture_of_each_of_all_classes():
    record = fb.run("pixels", "digits", protocol="oneshot-all", episodes=3)
    assert (record.ways, record.shots, record.queries) == ("all", 1, "all")
    assert record.arrays["classes"].shape == (3, 10) and record.protocol == "oneshot-all"


@pytest.mark.slow
def test_retrieval_keeps_the_mean_curve_and_is_ranked_by_map():
    records = [
        fb.run("pixels", "digits", protocol="retrieval", shots=5, episodes=20, parameters={"k": k})
        for k in (1, 5)
    ]
    made = tables(records)
    assert [row.record.map.mean for row in made[0].standings] == sorted(
        (r.map.mean for r in records), reverse=True
    )
    curve = records[0].arrays["precision"]
    assert curve.shape == (101,) and (np.diff(curve) <= 1e-12).all() and 0 < curve[-1] <= curve[0] <= 1
    assert made[0].title == "digits (default): retrieval, 5-way 5-shot, 15 queries a class, 20 episodes"
    fewshot = fb.run("pixels", "digits", shots=5, episodes=20)
    assert fewshot.episodes_sha256 == records[0].episodes_sha256 and len(tables([*records, fewshot])) == 2


def test_the_curve_of_a_method_without_item_scores_ties_the_images_of_a_class():
    rng = np.random.default_rng(0)
    tasks = Tasks(np.arange(6).reshape(1, 3, 2), np.arange(6, 10)[None])
    labels = np.array([[0, 1, 2, -1]])
    scores = rng.random((1, 4, 3))
    found = evaluate(tasks, labels, Scored(scores, None, {}), "it", PROTOCOLS["retrieval"])
    plain = evaluate(tasks, labels, Scored(scores, None, {}), "it", PROTOCOLS["fewshot"])
    assert np.allclose(found["ap"][0, :3], plain["ap"][0, :3]) and found["queries"] == 3
    for q in range(3):
        relevant = np.arange(6) // 2 == labels[0, q]
        ap = average_precision_score(relevant, np.repeat(scores[0, q], 2))
        assert found["ap"][0, q] == pytest.approx(ap)
    assert found["curve"].shape == (1, 101)


def test_a_setting_that_the_protocol_fixes_is_refused():
    with pytest.raises(UsageError, match="oneshot-all has --ways all, and 20 was asked for"):
        Request("pixels", "digits", ways=20, protocol="oneshot-all")
    with pytest.raises(UsageError, match="one episode, not --episodes 5"):
        Request("pixels", "digits", episodes=5, protocol="classification")
    with pytest.raises(UsageError, match="--protocol is one of fewshot"):
        Request("pixels", "digits", protocol="oneshot")
    assert Request("pixels", "digits").counts == (5, 1) and Request("pixels", "digits").queries is None
    assert PROTOCOLS.keys() == {"fewshot", "oneshot-all", "retrieval", "classification", "open-set"}


def test_a_method_that_ranks_classes_is_no_peer_of_one_that_ranks_pictures():
    options = {"protocol": "retrieval", "shots": 3, "episodes": 10}
    first = fb.run("pixels", "digits", **options)
    assert first.ranked_by == "picture"
    second = fb.run("pixels", "digits", parameters={"size": 8}, **options)
    second.data["ranked_by"] = "class"
    second.arrays["query_ap"] = np.full_like(second.arrays["query_ap"], 0.01)
    assert [row.ranks for row in tables([first, second])[0].standings] == [(1, 1), (1, 1)]
    assert "ranked by" in markdown(tables([first, second]))
    second.data["ranked_by"] = "picture"
    assert [row.ranks for row in tables([first, second])[0].standings] == [(1, 1), (2, 2)]


def test_a_manifest_of_other_counts_does_not_pass_for_a_protocol(tmp_path):
    save_manifest(tmp_path / "five.npz", fb.sample("digits", ways=5, shots=1, episodes=3))
    with pytest.raises(
        UsageError, match="oneshot-all has all ways, 1 shots and all queries, .* has 5, 1 and 15"
    ):
        fb.run("pixels", "digits", protocol="oneshot-all", episodes_from=tmp_path / "five.npz")
    assert fb.run("pixels", "digits", episodes_from=tmp_path / "five.npz").ways == 5


def test_a_split_under_another_librarys_name_is_the_one_it_stands_for(plain):
    index = replace(
        plain(range(1, 7)),
        labels=[0, 0, 1, 1, 2, 2],
        class_names=("a", "b", "c"),
        class_splits=("train", "val", "test"),
        guards=[0] * 3,
    )
    assert evaluated(index, None)[1] == evaluated(index, "test")[1] == "novel"
    assert evaluated(index, "test")[0].class_names == ("c",)
