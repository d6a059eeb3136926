"""Encoding on the workers of a cluster: shards of pictures, each of whole batches, so that vectors are the same."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench import identity
from fewshot_bench.cluster.executor import Executor, executor, results
from fewshot_bench.store.encoding import encode_images

if TYPE_CHECKING:
    from fewshot_bench.data.index import ImageIndex
    from fewshot_bench.store.encoder import Encoder

BATCHES = 8
"""Batches of one shard."""

Vectors = Generator[tuple[NDArray[np.int64], NDArray[Any]]]


def encode_anywhere(
    encoder: Encoder,
    index: ImageIndex,
    rows: NDArray[np.int64],
    *,
    batch_size: int,
    workers: int,
    dtype: np.dtype[Any],
) -> Vectors:
    """Yields what ``encode_images`` yields: from here, or from a cluster where there is one and more than one shard."""
    chosen, size = executor(), BATCHES * batch_size
    if chosen is None or len(rows) <= size:
        return encode_images(encoder, index, rows, batch_size=batch_size, workers=workers, dtype=dtype)
    shards = [rows[start : start + size] for start in range(0, len(rows), size)]
    return encode_shards(chosen, encoder, index, shards, batch_size=batch_size, workers=workers, dtype=dtype)


def encode_shards(
    chosen: Executor,
    encoder: Encoder,
    index: ImageIndex,
    shards: list[NDArray[np.int64]],
    *,
    batch_size: int,
    workers: int,
    dtype: np.dtype[Any],
) -> Vectors:
    """Yields (rows, vectors) of each shard as it ends."""
    whole = identity.embedding_key(encoder)
    if getattr(encoder, "backend", "") == "torch":
        _ = getattr(encoder, "trunk", None)  # built here, so that workers need no file of its weights
    shared = chosen.share(encoder), chosen.share(index)
    units = [(*shared, rows, batch_size, workers, dtype.str) for rows in shards]
    keys = [
        identity.key(
            "shard",
            {
                "embedding": whole,
                "dtype": dtype.str,
                "pictures": hashlib.sha256(np.ascontiguousarray(index.digests[rows]).tobytes()).hexdigest(),
            },
        )
        for rows in shards
    ]
    for place, vectors in results(chosen, shard_of_pictures, units, keys=keys):
        yield shards[place], vectors


def shard_of_pictures(
    encoder: Encoder, index: ImageIndex, rows: NDArray[np.int64], batch_size: int, workers: int, dtype: str
) -> NDArray[Any]:
    """Returns the vectors of a shard; this runs on a worker."""
    found = encode_images(encoder, index, rows, batch_size=batch_size, workers=workers, dtype=np.dtype(dtype))
    return np.concatenate([vectors for _, vectors in found])
