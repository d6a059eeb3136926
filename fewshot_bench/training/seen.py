"""What weights have seen, by content: a list of digests beside them, so that a leak is found later too."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.index import ImageIndex
from fewshot_bench.embed.weights import file_digest
from fewshot_bench.errors import FsbenchError
from fewshot_bench.files import write_atomic
from fewshot_bench.store.memo import Memo

SUFFIX = ".seen.npy"
"""``trunk.safetensors.seen.npy`` lies beside ``trunk.safetensors``: 16 MB for 2 million pictures."""


def keys_of(digests: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Returns the first 8 bytes of digests ``[M, 32]`` as numbers ``[M]``.

    Two of 2 million and 100,000 different pictures share one with a probability of 1e-8.
    """
    return np.ascontiguousarray(digests[:, :8]).view(">u8")[:, 0].astype(np.uint64)


def seen_file(weights: Path) -> Path:
    """Returns where the list of the pictures that ``weights`` saw is kept."""
    return weights.with_name(f"{weights.name}{SUFFIX}")


def write_seen(weights: Path, indexes: Iterable[ImageIndex], start: Iterable[Path] = ()) -> None:
    """Writes the list of all pictures of ``indexes``, and of those that the weights ``start`` had seen."""
    known = [keys_of(index.digests) for index in indexes]
    known += [earlier for path in start if (earlier := read_seen(path)) is not None]
    keys = np.unique(np.concatenate(known)).astype("<u8")
    write_atomic(seen_file(weights), lambda stream: np.save(stream, keys, allow_pickle=False))


def read_seen(weights: Path) -> NDArray[np.uint64] | None:
    """Returns the sorted keys ``[N]`` of what ``weights`` saw, None where no list lies beside.

    Raises FsbenchError for a damaged list.
    """
    path = seen_file(weights)
    if not path.is_file():
        return None
    try:
        keys = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise FsbenchError(f"The list {path} cannot be read ({error}); train again, or remove it.") from error
    if keys.dtype != np.uint64 or keys.ndim != 1 or (keys[1:] <= keys[:-1]).any():
        raise FsbenchError(
            f"{path} is no sorted list of 64-bit numbers, which a training writes; train again, or remove it."
        )
    return np.asarray(keys, dtype=np.uint64)


def check_unseen(weights: Path | None, evaluated: ImageIndex) -> dict[str, Any]:
    """Returns what a record says of a file of weights; FsbenchError when they have seen an evaluated picture.

    ``weights``: the first 16 hex digits of the file's sha256; ``seen``: how many pictures it saw, none of them
    evaluated, or that this is unknown. Without a file (published weights, none at all) it says nothing.
    """
    if weights is None or not weights.is_file():  # the encoder says in its own words that there is none
        return {}
    found = {"weights": file_digest(weights, Memo(None))[:16]}
    keys = read_seen(weights)
    if keys is None:
        words = f"unknown: no list {seen_file(weights).name} lies beside the weights"
        return {**found, "seen": f"{words}; evaluated pictures may be among what they were trained on"}
    shared = np.flatnonzero(np.isin(keys_of(evaluated.digests), keys))
    if len(shared):
        raise FsbenchError(
            f"The weights {weights} were trained on {len(shared)} of the evaluated pictures of {evaluated.name}, "
            f"{evaluated.paths[shared[0]]!r} first; evaluate other pictures, or train without these."
        )
    return {**found, "seen": f"{len(keys)} pictures, none of them evaluated"}
