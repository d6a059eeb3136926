"""Blocks of episodes: what is gathered is what the loop over single episodes gives, in bounded memory."""

from __future__ import annotations

import numpy as np
import pytest

from fewshot_bench.episodes.tasks import Tasks

RAGGED = Tasks(
    support=np.array([[[4, 2], [7, -1], [-1, -1]], [[1, 0], [3, 5], [6, -1]], [[0, 1], [2, 3], [4, 5]]]),
    query=np.array([[9, 8, -1], [2, -1, -1], [7, 8, 9]]),
)
TABLE = np.arange(1.0, 31).reshape(10, 3).astype(np.float32)


@pytest.mark.parametrize("memory", [1, 800, 1 << 20])
@pytest.mark.parametrize("kind", ["array", "tensor"])
def test_each_episode_is_that_of_the_loop(memory, kind):
    torch = pytest.importorskip("torch")
    table = TABLE if kind == "array" else torch.from_numpy(TABLE)
    blocks = list(RAGGED.blocks(table, memory=memory))
    assert [e for b in blocks for e in range(b.episodes.start, b.episodes.stop)] == [0, 1, 2]
    assert len(blocks) == {1: 3, 800: 2, 1 << 20: 1}[memory]
    singles = iter(RAGGED.each(TABLE))
    for block in blocks:
        assert (
            type(block.support) is type(block.class_mask) is type(table)
            and block.one_hot.dtype == table.dtype
        )
        parts = [np.asarray(getattr(block, n)) for n in ("support", "one_hot", "query")]
        masks = [np.asarray(getattr(block, n)) for n in ("support_mask", "query_mask", "class_mask")]
        for rows, one_hot, asked, here, wanted, classes in zip(*parts, *masks, strict=True):
            support, labels, query = next(singles)
            assert np.array_equal(rows[here], support) and np.array_equal(asked[wanted], query)
            assert np.array_equal(one_hot[here].argmax(axis=1), labels)
            assert one_hot.sum(axis=1).tolist() == here.astype(float).tolist()
            assert not rows[~here].any() and not asked[~wanted].any()
            assert classes.tolist() == [n in labels for n in range(3)]


def test_a_block_stays_within_its_memory():
    rng = np.random.default_rng(0)
    tasks = Tasks(rng.integers(0, 50, (200, 5, 4)), rng.integers(0, 50, (200, 30)))
    table = rng.normal(size=(50, 16))
    for memory in (50_000, 200_000):
        for block in tasks.blocks(table, memory=memory):
            parts = (block.support, block.one_hot, block.query, block.support_mask, block.query_mask)
            assert sum(part.nbytes for part in parts) <= memory


def test_pictures_are_gathered_with_float_labels():
    table = np.random.default_rng(0).integers(0, 256, (10, 3, 4, 4), dtype=np.uint8)
    (block,) = RAGGED.blocks(table)
    assert block.support.shape == (3, 6, 3, 4, 4) and block.one_hot.dtype == np.float32
