"""A head whose support is done with says of any query what it says in an episode."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.heads import fitted
from fewshot_bench.heads.knn import KNearest
from fewshot_bench.heads.prototype import Prototype


def drawn(seed: int, ways: int = 7, shots: int = 5) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
    """A table of whole numbers, a support of unequal shots, and queries of which some are support pictures' equals."""
    rng = np.random.default_rng(seed)
    table = rng.integers(-3, 4, (ways * shots + 20, 6)).astype(np.float32)
    table[-3:] = table[:3]
    support = np.arange(ways * shots).reshape(ways, shots)
    support = np.where(np.arange(shots) < rng.integers(1, shots + 1, ways)[:, None], support, -1)
    return torch.from_numpy(table), support, np.arange(ways * shots, ways * shots + 20)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), metric=st.sampled_from(("euclidean", "cosine")))
def test_means_and_neighbours_are_those_of_an_episode(seed: int, metric: str) -> None:
    table, support, queries = drawn(seed)
    tasks = Tasks(support[None], queries[None])
    for head in (Prototype(metric=metric), KNearest(k=1, metric=metric), KNearest(k=3, metric=metric)):
        wanted = head.scores(table, tasks)[0][0].numpy()
        found = head.fitted(table, support)(table[torch.from_numpy(queries)]).numpy()
        assert found.dtype == wanted.dtype
        if isinstance(head, Prototype):
            np.testing.assert_allclose(found, wanted, atol=2e-5)
        else:
            np.testing.assert_allclose(found.round(9), wanted.round(9), atol=0.51 / support.size)
            assert np.array_equal(found.argmax(1), wanted.argmax(1))


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    table, support, queries = drawn(0)
    asked = table[torch.from_numpy(queries)]
    for head in (Prototype(metric="cosine"), KNearest(k=2, metric="euclidean")):
        whole = head.fitted(table, support)(asked)
        with monkeypatch.context() as patch:
            patch.setattr(fitted, "BLOCK", 2)
            patch.setattr(fitted, "DISTANCES", 40)
            torch.testing.assert_close(head.fitted(table, support)(asked), whole)


def test_what_cannot_be_fitted_is_a_sentence() -> None:
    table, support, _ = drawn(0)
    support[2] = -1
    for head in (Prototype(), KNearest()):
        with pytest.raises(FsbenchError, match="needs a support image"):
            head.fitted(table, support)
    with pytest.raises(UsageError, match="k = 99 nearest"):
        KNearest(k=99).fitted(table, drawn(0)[1])
