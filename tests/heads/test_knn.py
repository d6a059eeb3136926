"""k nearest neighbours against scikit-learn, and ties by the rule that the docstring states."""

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.errors import UsageError
from fewshot_bench.heads.knn import KNearest


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("k", [1, 2, 3, 5, 12])
def test_votes_and_untied_predictions_equal_scikit_learn(route, make_tasks, metric, k):
    x = np.random.default_rng(0).normal(size=(80, 6)).astype(np.float32)
    tasks = make_tasks(80, 8, 4, 3, 20)
    scores = KNearest(k, metric).scores(torch.from_numpy(x), tasks)[0].numpy()
    labels = np.repeat(np.arange(4), 3)
    for e in range(8):
        peer = KNeighborsClassifier(k, metric=metric).fit(x[tasks.support[e].ravel()], labels)
        share = peer.predict_proba(x[tasks.query[e]])
        np.testing.assert_array_equal(np.floor(scores[e] * k + 1e-9), np.round(share * k))
        untied = (share == share.max(1, keepdims=True)).sum(1) == 1
        np.testing.assert_array_equal(scores[e].argmax(1)[untied], share.argmax(1)[untied])


def line(support, query):
    """Embeddings on a line, one episode: ``support`` per class, and queries."""
    places = np.concatenate([np.ravel(support), query]).astype(np.float32)[:, None]
    rows = np.arange(len(places))
    shape = np.shape(support)
    return torch.from_numpy(places), Tasks(
        rows[: np.size(support)].reshape(1, *shape), rows[np.size(support) :][None]
    )


def test_of_classes_with_equal_votes_the_nearest_wins(route):
    table, tasks = line([[3, 4], [1, 9], [2, 50]], [0])
    scores = KNearest(3).scores(table, tasks)[0][0, 0]
    assert scores.argsort(descending=True).tolist() == [1, 2, 0]
    assert torch.equal((scores * 3).floor(), torch.ones(3, dtype=torch.float64))


def test_votes_outweigh_nearness(route):
    table, tasks = line([[1, 90], [2, 3], [80, 70]], [0])
    assert KNearest(3).scores(table, tasks)[0][0, 0].argmax() == 1


def test_images_level_at_the_last_place_share_it(route):
    table, tasks = line([[1, 50], [-2, 60], [2, 70]], [0])
    scores = KNearest(2).scores(table, tasks)[0][0, 0]
    assert scores[1] == scores[2]
    np.testing.assert_allclose(scores * 2, [1, 0.5, 0.5], atol=1 / 6)


def test_scores_are_the_same_bytes_whatever_the_blocks(route, with_memory, make_tasks):
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(500, 32)).astype(np.float32))
    tasks = make_tasks(500, 40, 5, 3, 20)
    whole = KNearest(4).scores(x, tasks)[0]
    with_memory(10_000)
    assert torch.equal(whole, KNearest(4).scores(x, tasks)[0])


def test_padding_changes_no_vote(route, make_tasks, pad):
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32))
    tasks = make_tasks(60, 6, 3, 2, 5)
    plain = KNearest(3).scores(x, tasks)[0]
    padded = KNearest(3).scores(x, pad(tasks, 2, 1, 1))[0]
    assert (padded[:, :, 3:] == -np.inf).all()
    assert torch.equal((padded[:, :5, :3] * 3 + 1e-9).floor(), (plain * 3 + 1e-9).floor())
    assert torch.equal(padded[:, :5, :3].argsort(2), plain.argsort(2))


def test_item_scores_rank_support_images_by_distance(route):
    table, tasks = line([[3, 4], [1, -9]], [0])
    assert KNearest().item_scores(table, tasks).tolist() == [[[-9, -16, -1, -81]]]


def test_more_neighbours_than_support_images_is_an_error_with_both_numbers(make_tasks):
    x = torch.zeros(60, 8)
    tasks = make_tasks(60, 6, 3, 2, 5)
    tasks.support[4, 2, 1] = -1
    with pytest.raises(UsageError, match="k = 6 .* 5 support images"):
        KNearest(6).scores(x, tasks)


@pytest.mark.parametrize("k", [0, -1])
def test_k_below_one_is_refused(k):
    with pytest.raises(UsageError, match=f"not {k}"):
        KNearest(k)
