"""Files that are either the old one or the new one, never half of either; and bytes that know their checksum."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from fewshot_bench.errors import FsbenchError

SEAL = b"\nfsbench-sha256:"
"""Stands between the content of a sealed file and its sha256."""


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
    removed and ``path`` is left as it was. Raises FsbenchError, one sentence (that of ``refusal``, where it is
    given), when the folder cannot be written to or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
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
    except OSError as error:
        raise (refusal or _refusal(path))(error) from error


def _refusal(path: Path) -> Callable[[OSError], FsbenchError]:
    def sentence(error: OSError) -> FsbenchError:
        fix = "free some space" if error.errno == errno.ENOSPC else "choose a folder you may write to"
        return FsbenchError(f"Cannot write {path}: {why(error)}; {fix} and run the same command again.")

    return sentence


def sealed(content: bytes) -> bytes:
    """Returns ``content`` followed by its sha256, for ``unsealed``."""
    return content + SEAL + hashlib.sha256(content).digest()


def unsealed(data: bytes) -> bytes:
    """Returns the content of what ``sealed`` made; ValueError where a bit of it is not as it was."""
    content, seal = data[: -len(SEAL) - 32], data[-len(SEAL) - 32 :]
    if seal != SEAL + hashlib.sha256(content).digest():
        raise ValueError("the content does not fit its checksum")
    return content


def require_writable(folder: Path) -> None:
    """Creates ``folder`` and prove that a file can be written there, before any work is done.

    Raises FsbenchError, one sentence, when it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=".fsbench-", suffix=".part", dir=folder):
            pass
    except OSError as error:
        raise FsbenchError(
            f"Cannot write to the results folder {folder}: {why(error)}; name another with --results."
        ) from error
