"""Near-duplicates of contents: the counts of all pairs of files, at the price of the distinct contents."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from fewshot_bench.audit import alike as search
from fewshot_bench.audit.alike import alike as alike_files
from fewshot_bench.audit.check import pictures_of
from fewshot_bench.audit.contents import Kinds, alike
from fewshot_bench.audit.exposure import exposure, overlap, share_facing
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.data.near import signature


def signed_contents(count: int) -> np.ndarray:
    """Signatures of ``count`` contents, of which each has a near-duplicate among the others."""
    rng = np.random.default_rng(1)
    made = []
    for _ in range(-(-count // 2)):
        pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
        made += [signature(Image.fromarray(p)) for p in (pixels, (pixels // 2 * 2).astype(np.uint8))]
    return np.frombuffer(b"".join(made[:count]), dtype=np.uint8).reshape(count, -1)


def shop(seed: int, files: int, contents: int, *, grouped: bool = False) -> tuple[ImageIndex, np.ndarray]:
    """An index of files of a few contents, with their signatures."""
    rng = np.random.default_rng(seed)
    content = rng.integers(0, contents, files)
    labels = np.concatenate([np.arange(4), rng.integers(0, 4, files - 4)]).astype(np.int32)
    index = ImageIndex(
        name="made", variant="default", paths=tuple(map(str, range(files))), labels=labels,
        class_names=tuple("abcd"), class_splits=("all",) * 4,
        pools=rng.integers(1, 4, files).astype(np.uint8),
        groups=content * 4 + labels if grouped else rng.integers(0, files // 2, files),
        positions=rng.integers(0, 9, files), guards=np.array([0, 2, 0, 3]),
        digests=np.random.default_rng(9).integers(1, 256, (contents, 32), dtype=np.uint8)[content],
        reader=lambda row: Image.new("RGB", (8, 8)),
    )  # fmt: skip
    return index, signed_contents(contents)[content]


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_the_counts_are_those_of_all_pairs_of_files(seed: int, grouped: bool, monkeypatch) -> None:
    monkeypatch.setattr(search, "RESULTS", 50)
    index, signed = shop(seed, 120, 15, grouped=grouped)
    every = np.arange(len(index))
    slow = exposure(index, every, alike_files(every, signed), 10**9)
    kinds = Kinds.of(index)
    order = np.random.default_rng(seed).permutation(len(kinds.contents))
    fast = exposure(index, order, alike(order, kinds, signed), 10**9)
    assert sorted(pictures_of(index, kinds, fast.done)) == every.tolist()
    for ours, theirs in ((fast.own, slow.own), (fast.foreign, slow.foreign)):
        ours.spread(kinds.stands_for)
        assert np.array_equal(ours.look_alikes.counts, theirs.look_alikes.counts)
        assert np.array_equal(ours.copies.counts, theirs.copies.counts)
    assert slow.foreign.copies.counts.any() and slow.own.look_alikes.counts.any()
    counts = slow.own.look_alikes.counts
    one_by_one = [share_facing(index, counts, every[i : i + 1], 1) for i in every if index.pools[i] & 2]
    assert share_facing(index, counts, every, 1) == pytest.approx(np.mean(one_by_one))
    base, base_signed = shop(seed + 50, 90, 15)
    seen, _ = overlap(len(index), every, alike_files(every, signed, base_signed), 10**9)
    found, _ = overlap(len(index), order, alike(order, kinds, signed, Kinds.of(base), base_signed), 10**9)
    found.spread(kinds.stands_for)
    assert np.array_equal(found.look_alikes.counts, seen.look_alikes.counts)


def test_a_hundred_times_as_many_files_of_the_same_contents_are_the_same_work() -> None:
    def work(files: int) -> int:
        index, signed = shop(0, files, 20, grouped=True)
        index.pools[:], index.positions[:] = 3, 0
        kinds = Kinds.of(index)
        order = np.arange(len(kinds.contents))
        return sum(part.candidates + len(part.rows) for part in alike(order, kinds, signed))

    assert work(40_000) == work(4_000) < 20_000
