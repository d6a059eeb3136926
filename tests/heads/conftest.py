"""Random episodes and the two routes of gathering."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.heads import gather

MakeTasks = Callable[..., Tasks]


@pytest.fixture
def make_tasks() -> MakeTasks:
    """Random rows of a table: E episodes of N ways, K shots and Q queries; no row twice in an episode."""

    def make(rows: int, episodes: int, ways: int, shots: int, queries: int, seed: int = 0) -> Tasks:
        rng = np.random.default_rng(seed)
        drawn = rng.random((episodes, rows)).argsort(1)[:, : ways * shots + queries]
        return Tasks(drawn[:, : ways * shots].reshape(episodes, ways, shots), drawn[:, ways * shots :])

    return make


@pytest.fixture
def pad() -> Callable[[Tasks, int, int, int], Tasks]:
    """The same episodes with room for more ways, shots and queries, filled with −1."""

    def padded(tasks: Tasks, ways: int, shots: int, queries: int) -> Tasks:
        room = ((0, 0), (0, ways), (0, shots))
        return Tasks(
            np.pad(tasks.support, room, constant_values=-1),
            np.pad(tasks.query, ((0, 0), (0, queries)), constant_values=-1),
        )

    return padded


@pytest.fixture(params=["gram", "features"])
def route(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Runs the test with products from the Gram matrix and from gathered features."""
    monkeypatch.setattr(gather, "gram_is_cheaper", lambda tasks, rows: request.param == "gram")
    return str(request.param)


@pytest.fixture
def with_memory(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets the working memory of a block of episodes, in bytes."""
    return lambda memory: monkeypatch.setattr(gather, "block_bytes", lambda device: memory)
