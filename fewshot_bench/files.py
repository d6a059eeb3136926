"""Files that are either the old one or the new one, never half of either."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from fewshot_bench.errors import FsbenchError


def why(error: OSError) -> str:
    """A failed file operation as words: "no space left on device", "permission denied"."""
    return (error.strerror or str(error)).lower()


def write_atomic(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let ``write`` fill a temporary file in the same folder, fsync it, and rename it to ``path``.

    Whatever goes wrong, the temporary file is removed and ``path`` is left as it was. Raises
    FsbenchError, one sentence, when the folder cannot be written to or the disk is full.
    """
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        with os.fdopen(handle, "wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)
        os.replace(temporary, path)  # noqa: PTH105 - the one call that is atomic
        temporary = None
    except OSError as error:
        fix = "free some space" if error.errno == errno.ENOSPC else "choose a folder you may write to"
        raise FsbenchError(
            f"Cannot write {path}: {why(error)}; {fix} and run the same command again."
        ) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def require_writable(folder: Path) -> None:
    """Create ``folder`` and prove that a file can be written there, before any work is done.

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
