"""Counter-based random numbers: each is a pure function of (seed; episode, stream, item).

Philox-4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Keys = NDArray[np.uint64]

CLASSES, IMAGES, SIDES, ORDER, WAYS, SIZE, WEIGHTS = range(7)
"""Streams, one for each thing that is drawn. A redraw (attempt a) of one uses stream + 16·a."""

REDRAW = 16

_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL = 0x9E3779B9, 0xBB67AE85
_WORD = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_BLOCK = 1 << 14


def philox(counter: tuple[Keys, Keys, Keys, Keys], key: tuple[int, int]) -> tuple[Keys, Keys, Keys, Keys]:
    """Returns the four 32-bit words of Philox-4x32-10 for each counter.

    A counter is four 32-bit words; all words are held in uint64. Source: Salmon et al., "Parallel random numbers:
    as easy as 1, 2, 3" (SC 2011).
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        product0, product1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c2 = (product1 >> _HALF) ^ c1 ^ np.uint64(k0), (product0 >> _HALF) ^ c3 ^ np.uint64(k1)
        c1, c3 = product1 & _WORD, product0 & _WORD
        k0, k1 = (k0 + _WEYL[0]) & 0xFFFFFFFF, (k1 + _WEYL[1]) & 0xFFFFFFFF
    return c0, c1, c2, c3


def random_keys(seed: int, stream: int, episode: ArrayLike, item: ArrayLike) -> tuple[Keys, Keys]:
    """Returns two independent uint64 keys for each (episode, item), which are broadcast against each other.

    ``seed`` and ``episode`` are below 2⁶⁴, ``stream`` and ``item`` below 2³². The keys are computed in small
    blocks, so that memory beyond the result does not grow with it.
    """
    episodes, items = np.broadcast_arrays(np.asarray(episode, np.uint64), np.asarray(item, np.uint64))
    flat_episodes, flat_items = episodes.reshape(-1), items.reshape(-1)
    first, second = np.empty(flat_items.size, np.uint64), np.empty(flat_items.size, np.uint64)
    key = seed & 0xFFFFFFFF, seed >> 32
    for start in range(0, flat_items.size, _BLOCK):
        part = slice(start, start + _BLOCK)
        numbers = flat_episodes[part]
        streams = np.full(numbers.shape, stream, np.uint64)
        c0, c1, c2, c3 = philox((flat_items[part], streams, numbers & _WORD, numbers >> _HALF), key)
        first[part] = c0 | (c1 << _HALF)
        second[part] = c2 | (c3 << _HALF)
    return first.reshape(items.shape), second.reshape(items.shape)


def uniform(keys: Keys) -> NDArray[np.float64]:
    """Returns numbers in [0, 1) with 53 random bits, from keys."""
    return np.asarray((keys >> np.uint64(11)) * 2.0**-53)


def smallest(keys: Keys, count: int, admitted: NDArray[np.bool_] | None = None) -> NDArray[np.intp]:
    """Returns the columns of each row's ``count`` smallest keys, smallest first.

    This is a random draw without replacement: ``keys`` [B, n] -> [B, count]. Columns that are not ``admitted``
    [B, n] come after all others. The column number is written into a key's low bits, so that ties cannot depend
    on the machine's sorting routine.
    """
    n = keys.shape[1]
    bits = np.uint64(max(1, (n - 1).bit_length()))
    tagged = (keys >> (bits + np.uint64(1))) << bits
    tagged |= np.arange(n, dtype=np.uint64)
    if admitted is not None:
        tagged[~admitted] |= np.uint64(1 << 63)
    if count < n // 4:
        tagged = np.partition(tagged, count, axis=1)[:, :count]
    columns = np.sort(tagged, axis=1)[:, :count] & ((np.uint64(1) << bits) - np.uint64(1))
    return columns.astype(np.intp)
