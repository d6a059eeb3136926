"""Reading the files of a data set: inside the root, digested, and decoded once for each content."""

from __future__ import annotations

import hashlib
import os
import stat
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import PIL
from numpy.typing import NDArray

from fewshot_bench.data.decode import NO_MEMORY, decode
from fewshot_bench.data.facts import Facts
from fewshot_bench.data.memory import BUDGET, MAX_BYTES
from fewshot_bench.errors import FsbenchError
from fewshot_bench.files import kind_of, read_regular

T = TypeVar("T")
R = TypeVar("R")
Progress = Callable[[int, int], None]
"""Called with (images done, images in all) while images are read; not called when all are known."""

AT_ONCE = 256
"""Images read between two savings of the cache: a scan that is stopped goes on from there."""

CLOSED = "cannot be read"
"""The beginning of the defect of a file that could not be opened and may be sound."""

_FILE = struct.Struct("<qq32s")  # size, mtime_ns, sha256
_SOUND = "decodes"
_DAMAGED = f"does not decode, Pillow {PIL.__version__}"  # another version may read it, so it is asked again


@dataclass(frozen=True)
class Scan:
    """Says how files are read; ``verify`` digests every file again, whatever its size and time say."""

    verify: bool = False
    progress: Progress | None = None
    facts: Facts = field(default_factory=Facts)

    def each(self, work: Callable[[T], R], items: Sequence[T], save: Callable[[list[R]], None]) -> None:
        """Calls ``work`` on all items in threads (hashing and decoding release the GIL), and ``save`` now and then."""

        def one(item: T) -> R:
            with BUDGET.held():
                return work(item)

        with ThreadPoolExecutor(min(16, os.cpu_count() or 1)) as pool:
            for start in range(0, len(items), AT_ONCE):
                save(list(pool.map(one, items[start : start + AT_ONCE])))
                if self.progress is not None:
                    self.progress(min(start + AT_ONCE, len(items)), len(items))


@dataclass(frozen=True, eq=False)
class Contents:
    """The ``digests`` and ``defects`` of M files.

    ``digests`` uint8 [M, 32] are sha256, and a defect is "" or the reason why the file cannot be used. ``stamps``
    int64 [M, 2] hold the size in bytes and the modification time in ns, as they were before reading.
    """

    digests: NDArray[np.uint8]
    defects: tuple[str, ...]
    stamps: NDArray[np.int64]


@dataclass(slots=True)
class _File:
    path: str
    size: int
    mtime: int
    digest: bytes = b""
    defect: str = ""
    closed: str = ""

    @property
    def key(self) -> bytes:
        return os.fsencode(self.path)


def contents(root: Path, paths: Sequence[str], scan: Scan) -> Contents:
    """Digests and decodes M files below ``root``; a file that is known by path, size and mtime is not opened.

    What is no regular file (a pipe, a socket, a device) has a defect. Raises FsbenchError for a path that leaves
    ``root``, is not there, or is a folder.
    """
    files = _files(root, paths)
    if not scan.verify:
        known = scan.facts.get("file", [file.key for file in files])
        for file in files:
            size, mtime, digest = _FILE.unpack(known.get(file.key, bytes(_FILE.size)))
            if (size, mtime) == (file.size, file.mtime):
                file.digest = digest
    digests = {file.digest for file in files}
    defects = known_defects(scan, digests)
    for file in files:
        file.defect = file.closed or defects.get(file.digest, "")
    unknown = [file for file in files if file.digest not in defects and not file.closed]

    def save(done: list[_File]) -> None:
        read = [file for file in done if file.digest]
        scan.facts.put("file", {f.key: _FILE.pack(f.size, f.mtime, f.digest) for f in read})
        keep_defects(scan, {f.digest: f.defect for f in read})

    scan.each(_read, unknown, save)
    table = b"".join(file.digest or bytes(32) for file in files)
    return Contents(
        digests=np.frombuffer(table, dtype=np.uint8).reshape(-1, 32),
        defects=tuple(file.defect for file in files),
        stamps=np.array([(file.size, file.mtime) for file in files], dtype=np.int64).reshape(-1, 2),
    )


def known_defects(scan: Scan, digests: Iterable[bytes]) -> dict[bytes, str]:
    """Returns, of the contents that were decoded before, "" or why they do not decode."""
    wanted = list(digests)
    sound, damaged = scan.facts.get(_SOUND, wanted), scan.facts.get(_DAMAGED, wanted)
    return {**dict.fromkeys(sound, ""), **{digest: why.decode() for digest, why in damaged.items()}}


def keep_defects(scan: Scan, defects: Mapping[bytes, str]) -> None:
    """Remembers, by content, "" or why it does not decode."""
    scan.facts.put(_SOUND, {digest: b"" for digest, why in defects.items() if not why})
    scan.facts.put(_DAMAGED, {digest: why.encode() for digest, why in defects.items() if why})


def _read(file: _File) -> _File:
    try:
        data = read_regular(file.path, MAX_BYTES)
    except OSError as error:
        file.defect = f"{CLOSED}: {error.strerror}"
        return file
    file.digest = hashlib.sha256(data).digest()
    file.defect, _ = decode(data)
    if file.defect == NO_MEMORY:  # nothing that is remembered of a content
        file.digest, file.defect = b"", f"{CLOSED}: {NO_MEMORY}"
    return file


def _files(root: Path, paths: Sequence[str]) -> list[_File]:
    """Returns the size and time of each file, once it is sure that no path or link leads out of ``root``."""
    inside = os.path.realpath(root).rstrip(os.sep)
    resolved: dict[str, str] = {}
    files = []
    for path in paths:
        try:
            folder, name = os.path.split(os.path.join(inside + os.sep, path))  # noqa: PTH118 (half a million of them)
            if folder not in resolved:
                resolved[folder] = os.path.realpath(folder, strict=True)
            place = f"{resolved[folder]}{os.sep}{name}"
            info = os.lstat(place)
            if stat.S_ISLNK(info.st_mode):
                place = os.path.realpath(place, strict=True)
                info = os.stat(place)  # noqa: PTH116
        except OSError as error:
            raise FsbenchError(
                f"{path!r} in {root} cannot be opened ({error.strerror}): restore it or take it off the list."
            ) from error
        if not place.startswith(inside + os.sep):
            raise FsbenchError(
                f"{path!r} leads out of the data set's folder {root} (to {place}): "
                "keep all files of a data set below one folder, and copy what is linked from elsewhere."
            )
        if stat.S_ISDIR(info.st_mode):
            raise FsbenchError(f"{path!r} in {root} is a folder and no picture: list pictures only.")
        file = _File(place, info.st_size, info.st_mtime_ns)
        if not stat.S_ISREG(info.st_mode):  # a pipe has no end, and nobody may be at the other one
            file.closed = f"{CLOSED}: it is {kind_of(info.st_mode)} and no file"
        elif info.st_size > MAX_BYTES:
            file.closed = f"too large: {info.st_size:,} bytes, and {MAX_BYTES:,} are the most"
        files.append(file)
    return files
