"""A head from a function of one episode: equal to a batched head, given few at once, resumed after a stop."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

import fewshot_bench as fb
from fewshot_bench.api import EmbeddingMethod, PerEpisode, PixelEncoder
from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.errors import FsbenchError
from fewshot_bench.heads.estimator import EstimatorHead
from fewshot_bench.heads.head import Head
from fewshot_bench.heads.prototype import Prototype

torch = pytest.importorskip("torch")

RAGGED = Tasks(
    support=np.array([[[4, 2], [7, -1], [-1, -1]], [[1, 0], [3, 5], [6, -1]]]),
    query=np.array([[9, 8, -1], [2, -1, -1]]),
)
TABLE = torch.from_numpy(np.random.default_rng(0).normal(size=(10, 3)))


def nearest_mean(support, labels, query):
    means = torch.stack([support[labels == n].mean(0) for n in range(int(labels.max()) + 1)])
    return -(torch.cdist(query, means) ** 2)


def test_it_gives_what_the_batched_head_gives():
    head = PerEpisode(nearest_mean)
    assert isinstance(head, Head)
    scores, known = (h.scores(TABLE, RAGGED)[0].numpy() for h in (head, Prototype(metric="euclidean")))
    valid = RAGGED.query >= 0
    assert np.isneginf(scores[0, :2, 2]).all()
    assert (scores[valid].argmax(axis=1) == known[valid].argmax(axis=1)).all()


def test_scores_of_another_shape_are_refused():
    head = PerEpisode(lambda support, labels, query: torch.zeros(len(query), 7))
    with pytest.raises(
        FsbenchError, match=r"shape \(2, 7\) for an episode of 2 queries and 2 classes; return .*\(2, 2\)"
    ):
        head.scores(TABLE, RAGGED)


class Stops(EmbeddingMethod):
    """Nearest mean, which is interrupted once."""

    api_version, name, summary = 1, "stops", "a toy"
    solved: ClassVar[list[int]] = []
    stop_at = 10**9

    def setup(self, context):
        self.encoder, self.head = PixelEncoder(size=8), PerEpisode(self.solve)

    @classmethod
    def solve(cls, support, labels, query):
        if len(cls.solved) == cls.stop_at:
            cls.stop_at = 10**9
            raise KeyboardInterrupt
        cls.solved.append(1)
        return nearest_mean(support, labels, query)


def test_an_interrupted_run_goes_on_and_progress_is_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("FSBENCH_CACHE", str(tmp_path))
    counts = {"ways": 3, "queries": 2, "episodes": 40}
    told = []
    whole = fb.run(Stops, "digits", **counts, progress=lambda stage, done, total: told.append((stage, done)))
    assert [done for stage, done in told if stage == "score"] == [0, 8, 16, 24, 32, 40]
    Stops.solved.clear()
    Stops.stop_at = 20
    with pytest.raises(KeyboardInterrupt):
        fb.run(Stops, "digits", **counts)
    assert fb.run(Stops, "digits", **counts).scores_sha256 == whole.scores_sha256
    assert len(Stops.solved) == 20 + 40 - 16


def test_estimators_are_given_few_episodes_at_once():
    dummy = pytest.importorskip("sklearn.dummy")
    assert EstimatorHead(dummy.DummyClassifier()).max_batch == PerEpisode(nearest_mean).max_batch == 8
