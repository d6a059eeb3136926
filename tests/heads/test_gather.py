"""Products from both routes are the same numbers, and bad tables are refused in one sentence."""

import dataclasses

import numpy as np
import pytest
import torch

from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.errors import FsbenchError
from fewshot_bench.heads import gather
from fewshot_bench.heads.gather import GRAM_BYTES, gram_is_cheaper, inner_products


@pytest.fixture
def table() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(3).normal(size=(300, 16)).astype(np.float32))


@pytest.mark.parametrize("normalize", [False, True])
def test_products_equal_numpy(route, make_tasks, table, normalize):
    tasks = make_tasks(300, 4, 3, 2, 5)
    inner = inner_products(table, tasks, normalize=normalize)
    assert (inner.gram is None) == (route == "features")
    x = table.double().numpy()
    if normalize:
        x /= np.linalg.norm(x, axis=1, keepdims=True)
    support, query = torch.tensor(tasks.support), torch.tensor(tasks.query)
    wanted = np.einsum("esd,eqd->esq", x[tasks.support.reshape(4, 6)], x[tasks.query])
    np.testing.assert_allclose(inner.between(support.flatten(1), query), wanted, atol=1e-12)
    mean = x[tasks.support].mean(2)
    cross, norm = inner.with_means(support, query)
    np.testing.assert_allclose(cross, np.einsum("end,eqd->enq", mean, x[tasks.query]), atol=1e-12)
    np.testing.assert_allclose(norm, (mean**2).sum(2), atol=1e-12)
    np.testing.assert_allclose(inner.norms, (x**2).sum(1), atol=1e-12)


def test_an_allowed_error_is_kept_by_float32_products_around_the_mean_or_else_float64(monkeypatch, table):
    monkeypatch.setattr(gather, "gram_is_cheaper", lambda tasks, rows: True)
    tasks = Tasks(np.zeros((1, 1, 1), np.int64), np.zeros((1, 1), np.int64))
    x = (table + 100).double()
    centring = torch.eye(300, dtype=torch.float64) - 1 / 300
    near = inner_products(table + 100, tasks, error=1e-4).gram
    exact = inner_products(table + 100, tasks, error=1e-9).gram
    assert near is not None and near.dtype == torch.float32
    assert exact is not None and exact.dtype == torch.float64
    np.testing.assert_allclose(centring @ near.double() @ centring, centring @ x @ x.T @ centring, atol=1e-4)
    np.testing.assert_allclose(exact, x @ x.T, atol=1e-8)


def test_zero_embedding_has_cosine_zero(route, make_tasks, table):
    table[7] = 0
    inner = inner_products(table, make_tasks(300, 2, 3, 1, 2), normalize=True)
    assert inner.between(torch.tensor([[7]]), torch.tensor([[3, 7]])).tolist() == [[[0, 0]]]


def test_gram_matrix_pays_with_many_episodes_and_must_fit(make_tasks):
    assert not gram_is_cheaper(make_tasks(300, 2, 5, 1, 15), 3000)
    many = Tasks(np.zeros((100_000, 5, 1), np.int64), np.zeros((100_000, 75), np.int64))
    assert gram_is_cheaper(many, 3000)
    assert not gram_is_cheaper(many, int((GRAM_BYTES / 8) ** 0.5) + 1)


@pytest.mark.parametrize("memory", [1, 3000, 20_000, 1 << 30])
def test_blocks_cover_every_query_of_every_episode_once(route, with_memory, make_tasks, table, memory):
    with_memory(memory)
    tasks = make_tasks(300, 7, 3, 2, 11)
    seen = np.zeros((7, 11), int)
    for e, q in inner_products(table, tasks).blocks(tasks):
        seen[e, q] += 1
    assert (seen == 1).all()


def test_a_large_support_is_not_gathered_for_each_query(with_memory, make_tasks, table):
    with_memory(1000)
    tasks = make_tasks(300, 1, 100, 2, 200)
    inner = dataclasses.replace(inner_products(table, tasks), gram=None)
    assert inner.cost(tasks.ways, tasks.shots)[0] > 1000
    assert len(list(inner.blocks(tasks))) <= 10


@pytest.mark.parametrize("side", ["support", "query"])
def test_row_outside_the_table_is_an_error_that_names_it(make_tasks, table, side):
    tasks = make_tasks(300, 2, 3, 1, 2)
    getattr(tasks, side)[1, 0] = 300
    with pytest.raises(FsbenchError, match=f"{side} of an episode names row 300 .* 300 rows"):
        inner_products(table, tasks)


def test_value_that_is_not_finite_is_an_error_that_names_the_row(make_tasks, table):
    table[41, 3] = float("nan")
    with pytest.raises(FsbenchError, match="Row 41 .* not finite"):
        inner_products(table, make_tasks(300, 2, 3, 1, 2))


def test_chunks_share_one_gram_matrix_until_the_table_changes_or_goes(monkeypatch, table):
    """The table is a view of an array, so that a change of the array leaves no trace in the tensor."""
    monkeypatch.setattr(gather, "gram_is_cheaper", lambda tasks, rows: True)
    tasks = Tasks(np.zeros((1, 1, 1), np.int64), np.zeros((1, 1), np.int64))
    array = table.numpy()

    def gram(normalize=False):
        found = inner_products(table, tasks, normalize=normalize).gram
        assert found is not None
        return found

    first = gram()
    assert gram() is first and gram(normalize=True) is not first and gram() is first
    array[5] *= -1
    np.testing.assert_allclose(gram(), array.astype(float) @ array.T.astype(float), atol=1e-12)
    table[7] += 1
    np.testing.assert_allclose(gram(), array.astype(float) @ array.T.astype(float), atol=1e-12)
    with torch.inference_mode():
        table[9, :2] = table[9, :2].flip(0)
    np.testing.assert_allclose(gram(), array.astype(float) @ array.T.astype(float), atol=1e-12)
    other = table.clone()
    assert inner_products(other, tasks).gram is not gram()


def test_what_is_kept_of_a_table_goes_with_it(monkeypatch):
    monkeypatch.setattr(gather, "gram_is_cheaper", lambda tasks, rows: True)
    table = torch.eye(3)
    inner_products(table, Tasks(np.zeros((1, 1, 1), np.int64), np.zeros((1, 1), np.int64)))
    assert gather._KEPT["table"][0]() is table
    del table
    assert not gather._KEPT
