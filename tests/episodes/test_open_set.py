"""Open-set episodes: half of the classes have no support; their queries count in the measures of rejection alone."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

import fewshot_bench as fb
from fewshot_bench.engine.request import Request
from fewshot_bench.engine.run import episodes_of
from fewshot_bench.episodes.validate import validate
from fewshot_bench.errors import FsbenchError, UsageError

FEW = {"ways": 3, "queries": 4, "episodes": 8}


def test_the_episodes_are_those_of_the_suite_without_half_of_the_support() -> None:
    index = fb.dataset("digits")
    drawn = episodes_of(Request("pixels", "digits", protocol="open-set", **FEW), index)
    whole = episodes_of(Request("pixels", "digits", **{**FEW, "ways": 6}), index)
    assert np.array_equal(drawn.classes, whole.classes) and np.array_equal(drawn.query, whole.query)
    assert np.array_equal(drawn.support[:, :3], whole.support[:, :3]) and (drawn.support[:, 3:] == -1).all()
    broken = drawn.support.copy()
    broken[0, 0] = -1  # a class without support before one with
    object.__setattr__(drawn, "support", broken)
    with pytest.raises(FsbenchError, match="no support image in episode 0"):
        validate(drawn, index, "It")


@pytest.mark.parametrize("shots", [1, 3])
def test_records_have_the_measures_and_the_accuracy_of_known_queries_alone(shots: int) -> None:
    kept = []
    record = fb.run("pixels", "digits", protocol="open-set", shots=shots, keep_scores=kept.append, **FEW)
    scores, labels = kept[0].scores, kept[0].labels
    known = (labels >= 0) & (labels < 3)
    hits = scores.argmax(axis=2) == labels
    assert record.accuracy.mean == pytest.approx(
        np.mean([h[k].mean() for h, k in zip(hits, known, strict=True)])
    )
    wanted = [roc_auc_score(k, s.max(axis=1)) for s, k in zip(scores, known, strict=True)]
    assert record.metrics["auroc"].mean == pytest.approx(np.mean(wanted))
    assert record.data["sampler"] == "open-set" and record.data["ways"] == 3
    label = record.arrays["query_label"]
    assert (label >= 0).sum() == known.sum() and label.max() == 2


def test_too_many_ways_are_a_sentence() -> None:
    with pytest.raises(UsageError, match="ask for at most --ways 5"):
        fb.run("pixels", "digits", protocol="open-set", ways=6, queries=2, episodes=2)
