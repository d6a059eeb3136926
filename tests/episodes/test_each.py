"""The loop over one episode at a time, on arrays and tensors, pictures and embeddings."""

from __future__ import annotations

import numpy as np
import pytest

from fewshot_bench.episodes.image_tasks import ImageTasks
from fewshot_bench.episodes.tasks import Tasks

RAGGED = Tasks(
    support=np.array([[[4, 2], [7, -1], [-1, -1]], [[1, 0], [3, 5], [6, -1]]]),
    query=np.array([[9, 8, -1], [2, -1, -1]]),
)
"""An episode of two classes and two queries, and one of three classes and one query."""


def test_rows_and_labels_of_each_episode_without_padding():
    table = np.arange(20).reshape(10, 2) * 10
    (support, labels, query), (second, others, last) = RAGGED.each(table)
    assert support.tolist() == table[[4, 2, 7]].tolist() and query.tolist() == table[[9, 8]].tolist()
    assert labels.tolist() == [0, 0, 1] and labels.dtype == np.int64
    assert second.tolist() == table[[1, 0, 3, 5, 6]].tolist() and last.tolist() == table[[2]].tolist()
    assert others.tolist() == [0, 0, 1, 1, 2]


def test_tensors_stay_tensors():
    torch = pytest.importorskip("torch")
    table = torch.arange(20.0).reshape(10, 2)
    for found, expected in zip(RAGGED.each(table), RAGGED.each(table.numpy()), strict=True):
        assert all(isinstance(part, torch.Tensor) for part in found)
        assert found[1].dtype == torch.int64
        for part, array in zip(found, expected, strict=True):
            assert np.array_equal(part.numpy(), array)


def test_pictures_of_each_episode():
    table = np.random.default_rng(0).integers(0, 256, (10, 3, 4, 4), dtype=np.uint8)
    tasks = ImageTasks(table, RAGGED, "cpu")
    (support, labels, query), _ = tasks.each()
    assert support.shape == (3, 3, 4, 4) and query.shape == (2, 3, 4, 4) and labels.tolist() == [0, 0, 1]
    assert np.array_equal(support, table[[4, 2, 7]]) and np.array_equal(query, table[[9, 8]])


def test_a_loop_agrees_with_a_head():
    """Nearest class mean, written as a loop, agrees with the head that solves all episodes at once."""
    torch = pytest.importorskip("torch")
    from fewshot_bench.heads.prototype import Prototype

    rng = np.random.default_rng(1)
    table = rng.normal(size=(40, 6)).astype(np.float32)
    drawn = rng.random((5, 40)).argsort(1)
    tasks = Tasks(drawn[:, :9].reshape(5, 3, 3), drawn[:, 9:19])
    expected, _ = Prototype("euclidean").scores(torch.from_numpy(table), tasks)
    for episode, (support, labels, query) in enumerate(tasks.each(table)):
        means = np.stack([support[labels == n].mean(axis=0) for n in range(3)])
        distances = ((query[:, None] - means) ** 2).sum(axis=2)
        assert np.array_equal(distances.argmin(axis=1), expected[episode].numpy().argmax(axis=1))
