"""Prototype scores against the equation written out, on both routes."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from fewshot_bench.errors import UsageError
from fewshot_bench.heads.head import Head
from fewshot_bench.heads.prototype import Prototype


def by_definition(x, tasks, metric):
    """−‖q − c_k‖², or cos(q, mean of unit support vectors), one query and class at a time."""
    scores = np.full((*tasks.query.shape, tasks.ways), -np.inf)
    for e, q, n in np.ndindex(scores.shape):
        rows = tasks.support[e, n][tasks.support[e, n] >= 0]
        if len(rows) == 0:
            continue
        support, query = x[rows], x[tasks.query[e, q]]
        if metric == "cosine":
            mean = (support / np.linalg.norm(support, axis=1, keepdims=True)).mean(0)
            scores[e, q, n] = mean @ query / np.linalg.norm(mean) / np.linalg.norm(query)
        else:
            scores[e, q, n] = -((query - support.mean(0)) ** 2).sum()
    return scores


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize(("ways", "shots", "offset"), [(5, 1, 0), (3, 4, 0), (4, 2, 1000)])
def test_scores_follow_the_definition(route, make_tasks, metric, ways, shots, offset):
    x = (np.random.default_rng(0).normal(size=(60, 24)) + offset).astype(np.float32)
    tasks = make_tasks(60, 6, ways, shots, 9)
    scores, report = Prototype(metric).scores(torch.from_numpy(x), tasks)
    wanted = by_definition(x.astype(np.float64), tasks, metric)
    np.testing.assert_allclose(scores, wanted, rtol=1e-6)
    assert scores.dtype == torch.float32
    assert report == {}


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_padding_changes_nothing_and_padded_classes_are_minus_infinity(route, make_tasks, pad, metric):
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32))
    tasks = make_tasks(60, 4, 3, 2, 5)
    tasks.support[1, 2, 1] = -1
    tasks.support[2, 2] = -1
    plain = Prototype(metric).scores(x, tasks)[0]
    padded = Prototype(metric).scores(x, pad(tasks, 2, 3, 1))[0]
    np.testing.assert_allclose(padded[:, :5, :3], plain, rtol=1e-6)
    np.testing.assert_allclose(plain, by_definition(x.double().numpy(), tasks, metric), rtol=1e-5)
    assert (padded[:, :, 3:] == -np.inf).all()


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_scores_are_the_same_bytes_whatever_the_blocks(route, with_memory, make_tasks, metric):
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(500, 32)).astype(np.float32))
    tasks = make_tasks(500, 40, 5, 3, 20)
    whole = Prototype(metric).scores(x, tasks)[0]
    with_memory(10_000)
    assert torch.equal(whole, Prototype(metric).scores(x, tasks)[0])
    assert torch.equal(whole[:7], Prototype(metric).scores(x, tasks[:7])[0])


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_identical_support_images_of_two_classes_tie_exactly(route, make_tasks, metric):
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(80, 600)).astype(np.float32)) * 30
    tasks = make_tasks(80, 20, 4, 1, 30)
    x[tasks.support[0, 2, 0]] = x[tasks.support[0, 0, 0]]
    x[tasks.query[0, 0]] = x[tasks.support[0, 0, 0]]
    scores = Prototype(metric).scores(x, tasks)[0][0]
    assert torch.equal(scores[:, 0], scores[:, 2])
    assert scores[0].argmax() == 0
    if metric == "euclidean":
        assert scores[0, 0] == 0


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_item_scores_are_one_shot_scores_of_each_support_image(route, make_tasks, metric):
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32))
    tasks = make_tasks(60, 4, 3, 2, 5)
    tasks.support[1, 2, 1] = -1
    items = Prototype(metric).item_scores(x, tasks)
    single = type(tasks)(tasks.support.reshape(4, 6, 1), tasks.query)
    wanted = by_definition(x.double().numpy(), single, metric) - (metric == "cosine")
    np.testing.assert_allclose(items, wanted, rtol=1e-5, atol=1e-6)


def test_unknown_metric_is_refused():
    with pytest.raises(UsageError, match="'manhattan'; choose one of euclidean, cosine"):
        Prototype("manhattan")


@pytest.mark.subprocess
def test_heads_are_made_without_torch():
    code = (
        "import sys; from fewshot_bench.heads.prototype import Prototype;"
        "from fewshot_bench.heads.knn import KNearest;"
        "from fewshot_bench.heads.logistic import LogisticRegression;"
        "Prototype(), KNearest(), LogisticRegression(); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert isinstance(Prototype(), Head)
