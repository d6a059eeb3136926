"""Scoring: the same outcome whether an episode's queries are scored at once or in parts."""

from __future__ import annotations

import numpy as np
import pytest

from fewshot_bench.engine import scoring
from fewshot_bench.engine.parts import Parts
from fewshot_bench.engine.scoring import Scored, check_scores, evaluate, score_all
from fewshot_bench.engine.solvers import as_array
from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.errors import FsbenchError
from fewshot_bench.protocols import PROTOCOLS


def solver(widths):
    """Scores that are a function of rows alone; notes how many queries are asked at once."""

    def value(a, b):
        return np.sin(a * 12.9898 + b * 78.233).round(2)

    def solve(tasks):
        widths.append(tasks.query.shape[1])
        near = value(tasks.query[:, :, None, None], tasks.support[:, None])
        items = np.where(tasks.support[:, None] >= 0, near, -np.inf)
        return Scored(items.max(-1), items.reshape(*items.shape[:2], -1), {"steps": 3})

    return solve


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
@pytest.mark.parametrize("episodes", [1, 3])
def test_queries_in_parts_are_the_whole(tmp_path, monkeypatch, protocol, episodes):
    rng = np.random.default_rng(0)
    support = np.arange(episodes * 6 * 3).reshape(episodes, 6, 3)
    support[:, 2, 1:] = -1
    query = 1000 + np.arange(episodes * 41).reshape(episodes, 41)
    labels = rng.integers(0, 6, query.shape)
    query[:, -2:], labels[:, -2:] = -1, -1
    found = {}
    for elements, together in ((10**9, False), (60, False), (60, True)):
        monkeypatch.setattr(scoring, "CHUNK_ELEMENTS", 1)
        monkeypatch.setattr(scoring, "QUERY_ELEMENTS", elements)
        widths = []
        found[elements, together] = score_all(
            solver(widths),
            Tasks(support, query),
            labels,
            where="",
            parts=Parts(tmp_path / "none"),
            max_batch=None,
            progress=lambda *_: None,
            protocol=PROTOCOLS[protocol],
            transductive=together,
        )
        if elements > 60 or together:
            assert widths == [41] * episodes
        else:
            assert max(widths) == (60 // 18 if PROTOCOLS[protocol].ranking else 60 // 6)
    whole, parts, together = found.values()
    for other in (parts, together):
        assert other.scores_sha256 == whole.scores_sha256
        assert np.array_equal(other.prediction, whole.prediction)
        assert other.diagnostics == whole.diagnostics == {"steps": 3}
        assert (other.ap is None) == (whole.ap is None)
        if whole.ap is not None:
            assert np.array_equal(other.ap, whole.ap, equal_nan=True)
        if whole.curve is not None:
            assert np.allclose(other.curve, whole.curve)


TASKS = Tasks(np.arange(12).reshape(2, 3, 2), np.arange(12, 20).reshape(2, 4))
LABELS = np.array([[0, 1, 2, 0], [2, 1, 0, 1]])
GOOD = np.eye(3)[LABELS]


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        (GOOD[:, :, :2], "scores of shape (2, 4, 2)"),
        (GOOD + 0j, "scores of type complex128"),
        (GOOD > 0, "scores of type bool"),
        (GOOD.astype(object), "scores of type object"),
        (np.where(GOOD > 0, np.nan, 0), "NaN among its scores"),
    ],
)
def test_scores_that_cannot_be_ranked_are_refused(scores, said):
    with pytest.raises(FsbenchError) as refused:
        check_scores(TASKS, scores, "The method m")
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("items", "said"),
    [
        (GOOD, "item_scores of shape (2, 4, 3)"),
        (GOOD.repeat(2, 2).swapaxes(1, 2), "item_scores of shape (2, 6, 4)"),
        (GOOD.repeat(2, 2) * 1j, "item_scores of type complex128"),
        (GOOD.repeat(2, 2) * np.nan, "NaN among its item_scores"),
    ],
)
def test_scores_of_support_images_are_looked_at_too(items, said):
    """An array of another shape was spread over the support images, and gave another mAP."""
    with pytest.raises(FsbenchError) as refused:
        evaluate(TASKS, LABELS, Scored(GOOD, items, {}), "The method m", PROTOCOLS["retrieval"])
    assert said in str(refused.value)
    evaluate(TASKS, LABELS, Scored(GOOD, GOOD.repeat(2, 2), {}), "The method m", PROTOCOLS["retrieval"])


def test_a_class_that_an_episode_does_not_have_is_never_predicted():
    support = TASKS.support.copy()
    support[1, 2] = -1
    labels = np.minimum(LABELS, 1)
    scores = np.eye(3)[labels] + np.array([0, 0, 5]) * np.array([0, 1])[:, None, None]
    found = evaluate(Tasks(support, TASKS.query), labels, Scored(scores, None, {}), "m", PROTOCOLS["fewshot"])
    assert np.array_equal(found["prediction"], labels) and not found["rank"].any()


def test_a_head_may_give_any_real_type():
    torch = pytest.importorskip("torch")
    for found in (torch.ones(2, dtype=torch.bfloat16), torch.ones(2).requires_grad_(), [1.0, 1.0]):
        assert as_array(found).tolist() == [1.0, 1.0]
