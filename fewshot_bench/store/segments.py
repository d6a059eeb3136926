"""Segments: the files of the embedding cache. Vectors by the digest of their image, whole or not there.

A segment is two ``.npy`` files: ``NAME.vectors.npy`` ``[n, D]`` and ``NAME.digests.npy`` uint8 ``[n, 32]``
in ascending order. Each is written to a temporary name, fsynced and renamed, the digests last: a segment
whose digests are there is complete.
"""

from __future__ import annotations

import errno
import os
import secrets
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import FsbenchError

_DIGESTS, _VECTORS, _PART = ".digests.npy", ".vectors.npy", ".part"

FAN_IN = 16
"""So many segments of about one size become one."""

LARGE = 64 * 2**20
"""Bytes of vectors from which on a segment is left as it is."""


@dataclass(frozen=True, eq=False)
class Segment:
    """Memory-mapped rows of the cache: ``vectors[i]`` belongs to the image of digest ``keys[i]``."""

    stem: Path
    keys: NDArray[np.void]
    vectors: NDArray[Any]

    def __len__(self) -> int:
        return len(self.keys)

    def find(self, keys: NDArray[np.void]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Which of ``keys [m]`` are here ``[m]``, and the rows of those that are."""
        place = np.searchsorted(self.keys, keys)
        here = place < len(self)
        here[here] = self.keys[place[here]] == keys[here]
        return here, place[here]


def as_keys(digests: NDArray[np.uint8]) -> NDArray[np.void]:
    """Digests ``[n, 32]`` as ``[n]`` values that sort and compare as their bytes do."""
    return np.ascontiguousarray(digests).view("V32").reshape(-1)


def open_segments(folder: Path) -> list[Segment]:
    """Every complete segment of a folder; a damaged one is left out with a warning."""
    found = []
    for path in sorted(folder.glob(f"*{_DIGESTS}")):
        try:
            found.append(_open(path.with_name(path.name.removesuffix(_DIGESTS))))
        except FileNotFoundError:
            continue  # merged or pruned by a process that runs beside this one
        except (ValueError, EOFError, OSError) as error:
            warnings.warn(
                f"The embedding cache file {path}, or its vectors, are damaged ({error}); "
                "what was in it is encoded again.",
                stacklevel=2,
            )
    return found


def write_segment(folder: Path, keys: Sequence[NDArray[np.void]], vectors: Sequence[NDArray[Any]]) -> Segment:
    """Write parts ``[n_i]`` and ``[n_i, D]`` as one segment, sorted by key, and open it.

    Raises FsbenchError, with nothing left behind, when the disk is full or the folder cannot be written to.
    """
    joined = np.concatenate(keys)
    order = np.argsort(joined, kind="stable")
    stem = folder / secrets.token_hex(8)
    try:
        _save(Path(f"{stem}{_VECTORS}"), np.concatenate(vectors)[order])
        _save(Path(f"{stem}{_DIGESTS}"), joined[order].view(np.uint8).reshape(-1, 32))
    except BaseException:
        remove(stem)
        raise
    return _open(stem)


def merge_small(folder: Path, segments: list[Segment]) -> list[Segment]:
    """Merge ``FAN_IN`` segments of about one size into one, so that there are a few dozen at most.

    Called with the folder's lock held. A vector is rewritten once for each factor of ``FAN_IN`` in the
    number of images at most, and never again in a segment of ``LARGE`` bytes.
    """
    sizes: dict[int, list[Segment]] = {}
    for segment in segments:
        if segment.vectors.nbytes < LARGE:
            sizes.setdefault(len(segment).bit_length() // 4, []).append(segment)
    for group in sizes.values():
        if len(group) >= FAN_IN:
            merged = write_segment(folder, [s.keys for s in group], [s.vectors for s in group])
            for segment in group:
                remove(segment.stem)
            return merge_small(folder, [s for s in segments if s not in group] + [merged])
    return segments


def remove(stem: Path) -> None:
    """Remove a segment's files, digests first."""
    Path(f"{stem}{_DIGESTS}").unlink(missing_ok=True)
    Path(f"{stem}{_VECTORS}").unlink(missing_ok=True)


def sweep(folder: Path, segments: list[Segment]) -> None:
    """Remove what killed runs left and what is damaged: every file of no segment. With the lock held."""
    whole = {segment.stem.name for segment in segments}
    for path in folder.glob("*"):
        if path.name.endswith((_DIGESTS, _VECTORS, _PART)) and path.name.split(".")[0] not in whole:
            path.unlink(missing_ok=True)


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, fsync it, and rename it to ``path``."""
    part = path.with_name(path.name + _PART)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise cannot_write(path.parent, error) from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def cannot_write(folder: Path, error: OSError) -> FsbenchError:
    """The sentence for a cache folder that cannot be written to."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return FsbenchError(
            f"The disk is full, there is no room for embeddings in {folder}; free some space "
            "(`fsbench cache prune`), or set FSBENCH_CACHE to a folder on another disk."
        )
    return FsbenchError(
        f"Cannot write to the embedding cache in {folder} ({error.strerror or error}); "
        "set FSBENCH_CACHE to a folder that can be written to."
    )


def _open(stem: Path) -> Segment:
    digests = np.load(f"{stem}{_DIGESTS}", mmap_mode="r", allow_pickle=False)
    vectors = np.load(f"{stem}{_VECTORS}", mmap_mode="r", allow_pickle=False)
    if digests.dtype != np.uint8 or vectors.ndim != 2 or digests.shape != (len(vectors), 32):
        raise ValueError(f"shapes {digests.shape} and {vectors.shape} do not belong together")
    return Segment(stem, as_keys(digests), vectors)


def _save(path: Path, array: NDArray[Any]) -> None:
    write_whole(path, lambda stream: np.lib.format.write_array(stream, array, allow_pickle=False))
