"""Segments: the files of the embedding cache. Vectors by the digest of their image, whole or not there.

A segment is three ``.npy`` files: ``NAME.vectors.npy`` ``[n, D]``, ``NAME.digests.npy`` uint8 ``[n, 32]`` in
ascending order, and ``NAME.sums.npy`` uint32 ``[1 + B]``, the CRC-32 of the digests (with the shape and type of
the vectors) and of each of B blocks of vectors. Each is written atomically, the sums last: a segment whose sums
are there is complete.

The digests are verified when a segment is opened, a block of vectors when it is first read: a few rows of
millions are read fast, and a bit that was flipped on the disk is found before it becomes a score.
"""

from __future__ import annotations

import errno
import secrets
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import FsbenchError
from fewshot_bench.files import write_atomic

_DIGESTS, _VECTORS, _SUMS, _PART = ".digests.npy", ".vectors.npy", ".sums.npy", ".part"
_FILES = (_SUMS, _DIGESTS, _VECTORS)

FAN_IN = 16
"""The number of segments of about one size that are merged into one."""

LARGE = 64 * 2**20
"""Size in bytes of vectors from which on a segment is not merged any more."""

BLOCK = 2**15
"""Size in bytes of a block of vectors, which has one checksum; it holds whole rows, one at least."""


class DamagedSegmentError(FsbenchError):
    """A file of the cache no longer holds what was written to it."""

    def __init__(self, path: Path, why: object) -> None:
        super().__init__(
            f"The embedding cache file {path}, or a file that belongs to it, is damaged ({why}); "
            "run the same command again, which encodes its pictures anew."
        )
        self.path = path


@dataclass(frozen=True, eq=False)
class Segment:
    """Memory-mapped rows of the cache: ``vectors[i]`` belongs to the image of digest ``keys[i]``.

    ``sums [B]`` are the checksums of the blocks of vectors, ``sound [B]`` says which were verified. ``read``
    verifies; ``vectors`` itself is only for what needs no values.
    """

    stem: Path
    keys: NDArray[np.void]
    vectors: NDArray[Any]
    sums: NDArray[np.uint32]
    sound: NDArray[np.bool_] = field(repr=False)

    def __len__(self) -> int:
        return len(self.keys)

    def read(self, rows: NDArray[np.integer[Any]] | None = None) -> NDArray[Any]:
        """Returns the vectors of ``rows`` (None: all of them), verified.

        Raises DamagedSegmentError, with the segment's files removed, when one of their blocks has another checksum.
        """
        asked = slice(None) if rows is None else np.unique(rows // _block_rows(self.vectors))
        blocks = np.arange(len(self.sums))[asked]
        blocks = blocks[~self.sound[blocks]]
        for block, found in zip(blocks.tolist(), _sums(self.vectors, blocks), strict=True):
            if found != self.sums[block]:
                with suppress(OSError):
                    remove(self.stem)
                raise DamagedSegmentError(Path(f"{self.stem}{_VECTORS}"), "another checksum")
            self.sound[block] = True
        vectors = np.asarray(self.vectors)
        return vectors if rows is None else np.asarray(vectors[rows])

    def find(self, keys: NDArray[np.void]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Returns which of ``keys [m]`` are here ``[m]``, and the rows of those that are."""
        place = np.searchsorted(self.keys, keys)
        here = place < len(self)
        here[here] = self.keys[place[here]] == keys[here]
        return here, place[here]


def as_keys(digests: NDArray[np.uint8]) -> NDArray[np.void]:
    """Digests ``[n, 32]`` as ``[n]`` values that sort and compare as their bytes do."""
    return np.ascontiguousarray(digests).view("V32").reshape(-1)


def open_segments(folder: Path) -> list[Segment]:
    """Returns every complete segment of a folder; a damaged one is left out with a warning."""
    found = []
    for path in sorted(folder.glob(f"*{_SUMS}")):
        try:
            found.append(_open(path.with_name(path.name.removesuffix(_SUMS))))
        except FileNotFoundError:
            continue  # merged or pruned by a process that runs beside this one
        except Exception as error:  # numpy raises many kinds for a damaged header
            warnings.warn(
                f"The embedding cache file {path}, or a file that belongs to it, is damaged ({error}); "
                "what was in it is encoded again.",
                stacklevel=2,
            )
    return found


def write_segment(folder: Path, keys: Sequence[NDArray[np.void]], vectors: Sequence[NDArray[Any]]) -> Segment:
    """Writes parts ``[n_i]`` and ``[n_i, D]`` as one segment, sorted by key, and open it.

    Raises FsbenchError, with nothing left behind, when the disk is full or the folder cannot be written to.
    """
    joined = np.concatenate(keys)
    order = np.argsort(joined, kind="stable")
    stem = folder / secrets.token_hex(8)
    table, digests = np.concatenate(vectors)[order], joined[order].view(np.uint8).reshape(-1, 32)
    sums = [_first_sum(digests, table), *_sums(table, np.arange(_blocks(table)))]
    try:
        _save(Path(f"{stem}{_VECTORS}"), table)
        _save(Path(f"{stem}{_DIGESTS}"), digests)
        _save(Path(f"{stem}{_SUMS}"), np.array(sums, np.uint32))
    except BaseException:
        remove(stem)
        raise
    return _open(stem)


def merge_small(folder: Path, segments: list[Segment]) -> list[Segment]:
    """Merges ``FAN_IN`` segments of about one size into one, so that there are a few dozen at most.

    Called with the folder's lock held. A vector is rewritten once for each factor of ``FAN_IN`` in the
    number of images at most, and never again in a segment of ``LARGE`` bytes. Raises DamagedSegmentError
    rather than give damaged vectors new checksums.
    """
    sizes: dict[int, list[Segment]] = {}
    for segment in segments:
        if segment.vectors.nbytes < LARGE:
            sizes.setdefault(len(segment).bit_length() // 4, []).append(segment)
    for group in sizes.values():
        if len(group) >= FAN_IN:
            merged = write_segment(folder, [s.keys for s in group], [s.read() for s in group])
            for segment in group:
                remove(segment.stem)
            return merge_small(folder, [s for s in segments if s not in group] + [merged])
    return segments


def remove(stem: Path) -> None:
    """Removes a segment's files, the one that makes it complete first."""
    for kind in _FILES:
        Path(f"{stem}{kind}").unlink(missing_ok=True)


def sweep(folder: Path, segments: list[Segment]) -> None:
    """Removes every file of no segment: what killed runs left, and what is damaged. With the lock held."""
    whole = {segment.stem.name for segment in segments}
    for path in folder.glob("*"):
        if path.name.endswith((*_FILES, _PART)) and path.name.split(".")[0] not in whole:
            path.unlink(missing_ok=True)


def cannot_write(folder: Path, error: OSError) -> FsbenchError:
    """Returns the sentence for a cache folder that cannot be written to."""
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
    sums = np.load(f"{stem}{_SUMS}", allow_pickle=False)
    digests = np.load(f"{stem}{_DIGESTS}", mmap_mode="r", allow_pickle=False)
    vectors = np.load(f"{stem}{_VECTORS}", mmap_mode="r", allow_pickle=False)
    if digests.dtype != np.uint8 or vectors.ndim != 2 or digests.shape != (len(vectors), 32):
        raise ValueError(f"shapes {digests.shape} and {vectors.shape} do not belong together")
    blocks = _blocks(vectors)
    if sums.dtype != np.uint32 or sums.shape != (1 + blocks,) or sums[0] != _first_sum(digests, vectors):
        raise ValueError("another checksum")
    return Segment(stem, as_keys(digests), vectors, sums[1:], np.zeros(blocks, bool))


def _save(path: Path, array: NDArray[Any]) -> None:
    write_atomic(
        path,
        lambda stream: np.lib.format.write_array(stream, array, allow_pickle=False),
        refusal=lambda error: cannot_write(path.parent, error),
    )


def _block_rows(vectors: NDArray[Any]) -> int:
    """The number of rows in a block."""
    return max(1, BLOCK // max(1, int(vectors.shape[1]) * vectors.itemsize))


def _blocks(vectors: NDArray[Any]) -> int:
    """The number of blocks."""
    return -(-len(vectors) // _block_rows(vectors))


def _first_sum(digests: NDArray[np.uint8], vectors: NDArray[Any]) -> int:
    """The checksum of the digests and of what the header of the vectors says."""
    order = "C" if vectors.flags.c_contiguous else "F"
    header = f"{vectors.dtype.str} {vectors.shape} {order}"
    return zlib.crc32(np.ascontiguousarray(digests).data, zlib.crc32(header.encode()))


def _sums(vectors: NDArray[Any], blocks: NDArray[np.integer[Any]]) -> Iterator[int]:
    """The CRC-32 of some blocks of vectors, one after the other."""
    table = np.ascontiguousarray(vectors)
    whole = table.reshape(-1).view(np.uint8).data
    step = _block_rows(table) * table.shape[1] * table.itemsize
    for block in blocks.tolist():
        yield zlib.crc32(whole[block * step : (block + 1) * step])
