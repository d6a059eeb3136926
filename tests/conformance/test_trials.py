"""Each thing that scores may not depend on is found where they do, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from fewshot_bench.conformance.trials import difference, padded, trials
from fewshot_bench.episodes.tasks import Tasks

rng = np.random.default_rng(0)
TABLE = rng.normal(size=(60, 8)) + np.repeat(2 * rng.normal(size=(5, 8)), 12, axis=0)
TASKS = Tasks(
    np.stack([rng.permuted(np.arange(60).reshape(5, 12), axis=1)[rng.permutation(5), :3] for _ in range(4)]),
    np.stack([rng.permutation(60)[:10] for _ in range(4)]),
)


def honest(tasks):
    """Minus the distances to class means, padding aside."""
    weight = (tasks.support >= 0)[..., None]
    means = (TABLE[tasks.support] * weight).sum(2) / weight.sum(2)
    return -np.linalg.norm(TABLE[tasks.query][:, :, None] - means[:, None], axis=3)


def centred(tasks):
    """Scaled by the distance to the mean of the queries: transductive."""
    there = (tasks.query >= 0)[..., None]
    centre = (TABLE[tasks.query] * there).sum(1, keepdims=True) / there.sum(1, keepdims=True)
    return honest(tasks) * np.linalg.norm(TABLE[tasks.query] - centre, axis=2, keepdims=True)


def by_place(tasks):
    """The query's place in the episode moves its score."""
    return honest(tasks) * (1 + np.arange(tasks.query.shape[1])[:, None])


def likes_the_first(tasks):
    """A class is favoured for its position."""
    return honest(tasks) - 9.0 * np.arange(tasks.ways)


def first_shot(tasks):
    """Only the first support picture of a class counts, more than it may."""
    return honest(Tasks(tasks.support[:, :, :1], tasks.query))


def counts_padding(tasks):
    """A class mean over all places, the empty ones too."""
    return -np.linalg.norm(TABLE[tasks.query][:, :, None] - TABLE[tasks.support].mean(2)[:, None], axis=3)


def of_the_batch(tasks):
    """Scaled by the number of episodes."""
    return honest(tasks) * (1 + 0.1 * len(tasks))


class Forgetful:
    """Another answer each time."""

    def __init__(self):
        self.calls = 0

    def __call__(self, tasks):
        self.calls += 1
        return honest(tasks) + 1e-9 * self.calls


@pytest.mark.parametrize(
    ("solve", "broken"),
    [
        (honest, set()),
        (centred, {"alone"}),
        (by_place, {"alone", "query order"}),
        (likes_the_first, {"class order"}),
        (first_shot, {"shot order"}),
        (counts_padding, {"padding"}),
        (of_the_batch, {"batch", "alone"}),
        (Forgetful(), {"repeat"}),
    ],
)
def test_what_is_broken_is_found_and_nothing_else(solve, broken):
    found = list(trials(solve, TASKS, transductive=False))
    assert {t.check for t in found if t.verdict in ("fails", "note")} == broken
    assert len({t.check for t in found}) == len(found) == 7


def test_a_transductive_method_may_look_at_its_queries_when_it_says_so():
    verdicts = {t.check: t for t in trials(centred, TASKS, transductive=True)}
    assert (
        verdicts["alone"].verdict == "declared" and verdicts["alone"].text == "Declared transductive, and is."
    )
    assert verdicts["query order"].text.endswith("is not here.")
    assert all(t.verdict != "fails" for t in verdicts.values())


def test_a_training_on_each_episode_may_change_some_predictions_but_not_most():
    def shaken(tasks):
        return honest(tasks) + 0.3 * np.sin(np.arange(tasks.ways))

    found = {t.check: t for t in trials(shaken, TASKS, transductive=False)}
    assert found["class order"].verdict == "note" and "% of the predictions" in found["class order"].text


def test_the_difference_is_of_the_range_of_each_episode():
    scores = np.array([[[0.0, 10.0]], [[0.0, 1000.0]]])
    assert difference(scores, scores + np.array([0, 1.0])) == pytest.approx(0.1)
    assert difference(scores, scores * np.nan) == np.inf and difference(scores * 0, scores * 0) == 0
    more = padded(TASKS)
    assert more.support.shape == (4, 5, 4) and more.query.shape == (4, 11) and more.query[:, -1].max() == -1
