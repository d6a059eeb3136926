"""Scoring: the same outcome whether an episode's queries are scored at once or in parts."""

from __future__ import annotations

import numpy as np
import pytest

from fewshot_bench.engine import scoring
from fewshot_bench.engine.parts import Parts
from fewshot_bench.engine.scoring import Scored, score_all
from fewshot_bench.episodes.tasks import Tasks
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
