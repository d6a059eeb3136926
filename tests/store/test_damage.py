"""A bit that was flipped on the disk never becomes another vector: it is found, and encoded again."""

from __future__ import annotations

import shutil
import warnings

import numpy as np
import pytest

from fewshot_bench.errors import FsbenchError
from fewshot_bench.store import segments as segment_files
from fewshot_bench.store.cache import EmbeddingCache
from fewshot_bench.store.mapped import locate
from fewshot_bench.store.segments import as_keys, open_segments

ROWS = np.arange(40)


def flip(path, bit):
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


@pytest.fixture
def filled(tmp_path, plain, counting):
    """A cache of 40 pictures in two segments, an index of them, and the folder of the segments."""
    cache, index = EmbeddingCache(tmp_path / "cache"), plain(ROWS)
    for part in (ROWS[:25], ROWS[25:]):
        cache.embed(counting(), index, part)
    (card,) = cache.root.glob("*/encoder.json")
    return cache, index, card.parent


@pytest.mark.slow
def test_a_flipped_bit_anywhere_never_gives_another_vector(filled, plain, counting, expected, tmp_path):
    """One bit in 211 of all files, one at a time: headers, digests, vectors, checksums, card."""
    cache, index, folder = filled
    shutil.copytree(folder, tmp_path / "whole")
    healed = 0
    for path in sorted((tmp_path / "whole").iterdir()):
        for bit in range(path.stat().st_size % 211, 8 * path.stat().st_size, 211):
            shutil.rmtree(folder)
            shutil.copytree(tmp_path / "whole", folder)
            flip(folder / path.name, bit)
            encoder = counting()
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                got = cache.embed(encoder, index, ROWS)
            np.testing.assert_array_equal(got, expected(ROWS), err_msg=f"{path.name} bit {bit}")
            assert not encoder.batches or any(path.name.split(".")[0] in str(w.message) for w in caught)
            healed += bool(encoder.batches)
    assert healed > 50


def test_many_flipped_bits_in_large_segments(tmp_path, plain, counting, monkeypatch):
    """Several blocks a segment, 20 bits at once, in random places of the vectors."""

    class Wide(counting):
        def encode(self, batch):
            return np.repeat(super().encode(batch), 100, axis=1)

    monkeypatch.setattr(segment_files, "BLOCK", 4096)
    cache, index, rng = EmbeddingCache(tmp_path), plain(range(200)), np.random.default_rng(0)
    true = cache.embed(Wide(), index, np.arange(200))
    for _ in range(20):
        for path in tmp_path.glob("*/*.vectors.npy"):
            for bit in rng.integers(8 * 128, 8 * path.stat().st_size, 20):
                flip(path, int(bit))
        with pytest.warns(UserWarning, match="is damaged .*encoded again"):
            np.testing.assert_array_equal(cache.embed(Wide(), index, np.arange(200)), true)


def test_mapped_rows_are_refused_where_they_are_damaged_and_made_anew_the_next_time(
    tmp_path, plain, counting, expected, monkeypatch
):
    monkeypatch.setattr(segment_files, "BLOCK", 12 * 8)  # eight rows of three values
    cache, index, rows = EmbeddingCache(tmp_path), plain(range(64)), np.arange(64)
    cache.embed(counting(), index, rows)
    (path,) = tmp_path.glob("*/*.vectors.npy")
    flip(path, 8 * (128 + 12 * 9))  # in row 9 of the segment, the second block
    found = cache.mapped(counting(), index, rows)
    block = found.places // 8
    np.testing.assert_array_equal(found[block != 1], expected(rows[block != 1]))
    with pytest.raises(FsbenchError, match=rf"{path.name}.* is damaged .*; run the same command again"):
        found[block == 1]
    encoder = counting()
    np.testing.assert_array_equal(cache.mapped(encoder, index, rows)[:], expected(rows))
    assert len(encoder.colours) == 64


def test_a_damaged_file_that_cannot_be_removed_is_an_error(filled, counting, monkeypatch):
    cache, index, folder = filled

    def refuse(_stem):
        raise PermissionError

    monkeypatch.setattr(segment_files, "remove", refuse)
    flip(next(folder.glob("*.vectors.npy")), 8 * 130)
    with pytest.raises(FsbenchError, match="is damaged"):
        cache.embed(counting(), index, ROWS)


def test_damage_is_not_merged_into_a_sound_segment(filled, plain, counting, expected, monkeypatch):
    cache, _, folder = filled
    flip(next(folder.glob("*.vectors.npy")), 8 * 130)
    monkeypatch.setattr(segment_files, "FAN_IN", 2)
    with pytest.warns(UserWarning, match="damaged"):
        got = cache.embed(counting(), plain(range(41)), np.arange(20, 41))
    np.testing.assert_array_equal(got, expected(range(20, 41)))
    np.testing.assert_array_equal(
        cache.embed(counting(), plain(range(41)), np.arange(41)), expected(range(41))
    )


def test_a_key_of_no_segment_is_an_error_and_not_the_first_row(filled):
    _, index, folder = filled
    segments, dtype = open_segments(folder), np.dtype(np.float32)
    assert len(locate(segments, as_keys(index.digests), dtype)) == 40
    other = np.full((1, 32), 171, np.uint8)
    with pytest.raises(FsbenchError, match="no vector of 1 of 41 pictures.*" + "ab" * 32):
        locate(segments, as_keys(np.concatenate([index.digests, other])), dtype)
    with pytest.raises(FsbenchError, match="no vector of 1 of 1"):
        locate([], as_keys(other), dtype)
