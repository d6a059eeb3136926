"""Files that are either the old one or the new one, never half of either; and bytes that know their checksum."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import secrets
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TextIO

from fewshot_bench.errors import FsbenchError

SEAL = b"\nfsbench-sha256:"
"""Stands between the content of a sealed file and its sha256."""


MOST_TEXT = 1 << 30
"""Bytes of the largest table of a data set that is read; the tables of published sets have some megabytes."""

TRIES = 5
"""Times that a file is written whose folder other processes remove meanwhile."""


def why(error: OSError) -> str:
    """Returns a failed file operation as words: "no space left on device", "permission denied"."""
    return (error.strerror or str(error)).lower()


def write_atomic(
    path: Path,
    write: Callable[[BinaryIO], object],
    *,
    refusal: Callable[[OSError], FsbenchError] | None = None,
) -> None:
    """Lets ``write`` fill a temporary file in the same folder, fsync it, and rename it to ``path``.

    The file has the permissions of any new file of the process. Whatever goes wrong, the temporary file is
    removed and ``path`` is left as it was; where another process removed the folder meanwhile, all is done once more,
    ``TRIES`` times at most. Raises FsbenchError, one sentence (that of ``refusal``, where it is given), when the
    folder cannot be written to or the disk is full.
    """
    if not path.name or "\0" in str(path):
        raise FsbenchError(f"Cannot write {str(path)!r}: it names no file; name one.")
    for left in reversed(range(TRIES)):
        try:
            _write_once(path, write)
            return
        except OSError as error:
            if not (left and isinstance(error, FileNotFoundError)):
                raise (refusal or _refusal(path))(error) from error


def _write_once(path: Path, write: Callable[[BinaryIO], object]) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with temporary.open("xb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _refusal(path: Path) -> Callable[[OSError], FsbenchError]:
    def sentence(error: OSError) -> FsbenchError:
        fix = "free some space" if error.errno == errno.ENOSPC else "choose a folder you may write to"
        return FsbenchError(f"Cannot write {path}: {why(error)}; {fix} and run the same command again.")

    return sentence


def open_regular(path: Path | str) -> BinaryIO:
    """Returns a stream of a regular file; OSError for anything else, and nobody waits for a pipe to speak.

    A pipe, a socket and a device have no end, or begin when somebody else writes.
    """
    stream = os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb")
    kind = os.fstat(stream.fileno()).st_mode
    if not stat.S_ISREG(kind):
        stream.close()
        number = errno.EISDIR if stat.S_ISDIR(kind) else errno.EINVAL
        raise OSError(number, f"it is {kind_of(kind)} and no file", str(path))
    return stream


def open_text(path: Path | str, *, newline: str | None = None, errors: str = "strict") -> TextIO:
    """Returns a stream of a regular file of UTF-8 text, with or without a byte order mark.

    Raises OSError for anything else, and for a file of more than ``MOST_TEXT`` bytes.
    """
    stream = open_regular(path)
    if os.fstat(stream.fileno()).st_size > MOST_TEXT:
        stream.close()
        raise OSError(errno.EFBIG, f"it has more than {MOST_TEXT:,} bytes", str(path))
    return io.TextIOWrapper(stream, encoding="utf-8-sig", newline=newline, errors=errors)


def kind_of(mode: int) -> str:
    """Returns what a file's mode says it is, in words."""
    kinds = {
        stat.S_ISREG: "a file", stat.S_ISDIR: "a folder", stat.S_ISFIFO: "a pipe", stat.S_ISSOCK: "a socket",
        stat.S_ISCHR: "a device", stat.S_ISBLK: "a device", stat.S_ISLNK: "a link",
    }  # fmt: skip
    return next((words for is_kind, words in kinds.items() if is_kind(mode)), "something else")


def read_regular(path: Path | str, most: int | None = None) -> bytes:
    """Returns the bytes of a regular file; OSError for anything else, and for more than ``most`` bytes."""
    with open_regular(path) as stream:
        data = stream.read(-1 if most is None else most + 1)
    if most is not None and len(data) > most:
        raise OSError(errno.EFBIG, f"it has more than {most:,} bytes", str(path))
    return data


def sealed(content: bytes) -> bytes:
    """Returns ``content`` followed by its sha256, for ``unsealed``."""
    return content + SEAL + hashlib.sha256(content).digest()


def unsealed(data: bytes) -> bytes:
    """Returns the content of what ``sealed`` made; ValueError where a bit of it is not as it was."""
    content, seal = data[: -len(SEAL) - 32], data[-len(SEAL) - 32 :]
    if seal != SEAL + hashlib.sha256(content).digest():
        raise ValueError("the content does not fit its checksum")
    return content


def require_writable(folder: Path, what: str = "results folder", option: str = "--results") -> None:
    """Creates ``folder`` and prove that a file can be written there, before any work is done.

    Raises FsbenchError, one sentence, when it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=".fsbench-", suffix=".part", dir=folder):
            pass
    except OSError as error:
        raise FsbenchError(
            f"Cannot write to the {what} {folder}: {why(error)}; name another with {option}."
        ) from error
