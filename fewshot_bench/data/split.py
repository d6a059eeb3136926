"""Train and test: the published split, or a stratified one from a seed, as the pools of an index."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.index import BOTH, QUERY, SUPPORT, ImageIndex

TEST_SHARE = 0.2


def train_test(index: ImageIndex, seed: int) -> ImageIndex:
    """Returns the same pictures with train as the support pool and test as the query pool.

    The split is the published one where there is one (``index.test``, or pools that share no picture).
    Otherwise a fifth of each class is drawn from ``seed`` as test pictures, whole groups at a time.
    """
    if index.test is not None:
        test, how = index.test, "as published"
    elif not (index.pools == BOTH).any():
        return replace(index, notes=(*index.notes, "Train and test pictures: as published."))
    else:
        test = stratified(index.labels, index.groups, seed)
        how = f"a fifth of each class as test, drawn from seed {seed}, whole groups at a time"
    note = f"Train and test pictures: {how} ({int((~test).sum())} and {int(test.sum())})."
    pools = np.where(test, QUERY, SUPPORT).astype(np.uint8)
    return replace(index, pools=pools, notes=(*index.notes, note))


def stratified(
    labels: NDArray[np.integer], groups: NDArray[np.integer], seed: int, share: float = TEST_SHARE
) -> NDArray[np.bool_]:
    """Returns bool [M], the test pictures: about ``share`` (0..1) of each class, whole groups [M] at a time.

    The groups of a class are taken in random order until the next would exceed the share. At least one is taken
    and never all, so that a class of one group is train alone. A group that spans classes counts for the class of
    its first picture.
    """
    _, first, group, size = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    owner = labels[first]
    order = np.lexsort((np.random.default_rng(seed).permutation(len(size)), owner))
    starts = np.flatnonzero(np.diff(owner[order], prepend=-1))
    counts = np.diff(np.append(starts, len(order)))
    begin = np.repeat(starts, counts)
    taken = np.cumsum(size[order])
    within = taken - (taken - size[order])[begin]
    whole = np.repeat(np.add.reduceat(size[order], starts), counts)
    place = np.arange(len(order)) - begin
    chosen = (within <= np.round(share * whole)) | (place == 0)
    chosen &= place < np.repeat(counts, counts) - 1
    test = np.zeros(len(size), dtype=bool)
    test[order] = chosen
    return np.asarray(test[group.reshape(-1)])
