"""One large gallery gives the scores of the padded arrays: votes, shared places, ties."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.heads import gallery
from fewshot_bench.heads.gallery import is_large
from fewshot_bench.heads.knn import KNearest
from fewshot_bench.heads.members import members


@st.composite
def ragged(draw):
    """A table, a ragged episode over it, k and the metric: small integers have many Euclidean distances that are equal.

    Cosines that are equal on paper are not in floating point, so that their tables are without such.
    """
    metric = draw(st.sampled_from(["euclidean", "cosine"]))
    counts = draw(st.lists(st.integers(0, 6), min_size=1, max_size=6).filter(any))
    most, total = max(counts), sum(counts)
    width = draw(st.integers(1 if metric == "euclidean" else 2, 4))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    x = rng.integers(-2, 3, (total + 5, width)).astype(np.float32)
    if metric == "cosine" or draw(st.booleans()):
        x = rng.normal(size=x.shape).astype(np.float32)
    support = np.full((1, len(counts), most), -1)
    rows = iter(rng.permutation(total + 5)[:total].tolist())
    for n, count in enumerate(counts):
        support[0, n, :count] = [next(rows) for _ in range(count)]
    query = rng.permutation(np.arange(-1, total + 5))[None, :8]
    return torch.from_numpy(x), Tasks(support, query), draw(st.integers(1, total)), metric


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(problem=ragged(), small=st.booleans())
def test_scores_and_ties_equal_the_padded_path(problem, small):
    table, tasks, k, metric = problem
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gallery, "is_large", lambda *_: False)
        wanted = KNearest(k, metric).scores(table, tasks)[0].numpy()
        patch.setattr(gallery, "is_large", lambda *_: True)
        if small:
            patch.setattr(gallery, "DISTANCE_BYTES", 1)
            patch.setattr(gallery, "FEATURE_BYTES", 1)
        found = KNearest(k, metric).scores(table, tasks)[0].numpy()
    there = tasks.query[0] >= 0
    np.testing.assert_array_equal(found[:, there], wanted[:, there])


def test_members_are_the_images_in_class_major_order():
    support = np.array([[[5, 3, -1], [-1, -1, -1], [7, -1, -1]], [[1, -1, -1], [2, 4, 6], [8, -1, -1]]])
    rows, label = members(support)
    assert rows.tolist() == [[5, 3, 7, -1, -1], [1, 2, 4, 6, 8]]
    assert label.tolist() == [[0, 0, 2, 0, 0], [0, 1, 1, 1, 2]]


def test_few_shot_episodes_are_batched_and_a_train_split_is_large():
    def shape(episodes, ways, shots, queries):
        return Tasks(np.zeros((episodes, ways, shots), np.int64), np.zeros((episodes, queries), np.int64))

    table, memory = torch.zeros(5000, 1280), 1 << 24
    assert not is_large(table, shape(600, 20, 5, 300), memory)
    assert not is_large(table, shape(600, 100, 1, 500), memory)
    assert is_large(table, shape(1, 143, 4000, 9000), memory)
    assert is_large(torch.zeros(2180, 1728), shape(1, 20, 340, 436), memory)
    assert is_large(torch.zeros(40_000, 1728), shape(1, 143, 4000, 9000), 1 << 30)
