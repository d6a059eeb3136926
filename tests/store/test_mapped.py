"""Mapped embeddings: the same vectors as in memory, read from disk when they are asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fewshot_bench.store.cache import EmbeddingCache


def test_rows_are_those_of_the_table_in_memory(tmp_path, plain, counting, expected):
    cache, encoder = EmbeddingCache(tmp_path), counting()
    values = np.random.default_rng(0).permutation(300)
    index = plain(values)
    for part in (np.arange(100), np.arange(150, 300)):  # two segments
        cache.embed(encoder, index, part)
    rows = np.random.default_rng(1).integers(0, 300, 1000)
    mapped = cache.mapped(encoder, index, rows)
    table = expected(values[rows])
    assert mapped.shape == table.shape and len(mapped) == 1000 and len(mapped.segments) > 1
    assert np.array_equal(mapped[:], table)
    some = np.array([7, 3, 3, 999])
    assert np.array_equal(mapped[some], table[some]) and mapped[some[:0]].shape == (0, 3)
    assert len(encoder.colours) == len(set(encoder.colours))


def test_vectors_stay_on_disk_and_outlive_their_file(tmp_path, plain, counting, expected):
    cache = EmbeddingCache(tmp_path)
    mapped = cache.mapped(counting(), plain(range(50)), np.arange(50), dtype="float16")
    assert all(isinstance(s.vectors, np.memmap) for s in mapped.segments) and mapped.dtype == np.float16
    for path in Path(tmp_path).rglob("*.vectors.npy"):
        path.unlink()
    assert np.array_equal(mapped[np.arange(50)], expected(range(50)))
    assert cache.mapped(counting(), plain([]), np.arange(0))[:].shape[0] == 0
