"""Output: commands print results on stdout and words for a person on stderr, with names of files escaped."""

from __future__ import annotations

import json
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from fewshot_bench.errors import Advice, FsbenchError, printable
from fewshot_bench.files import why
from fewshot_bench.records.text import escaped

CLOSED = "There is no stdout to print to, for it is closed; send it to a file, or to /dev/null."


class OutputError(FsbenchError):
    """An output that cannot be printed: stdout is closed or full."""


def shown(text: str, encoding: str) -> str:
    """Returns text of several lines as a terminal can show it: ``printable`` but for line feeds and tabs."""
    safe = "".join(part if part in "\n\t" else printable(part) for part in re.split(r"([\n\t])", text))
    return safe.encode(encoding, "backslashreplace").decode(encoding)


def echo(text: str = "", *, end: str = "\n") -> None:
    """Prints on stdout what was asked for, escaped where a terminal would act upon it.

    Raises OutputError where it cannot be written, and BrokenPipeError where the reader went away.
    """
    if sys.stdout is None:
        raise OutputError(CLOSED)
    try:
        sys.stdout.write(shown(text, sys.stdout.encoding or "utf-8") + end)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:  # ValueError: somebody closed the stream
        raise OutputError(unwritten(error)) from error


def unwritten(error: Exception) -> str:
    """Returns the sentence for an error of writing to stdout."""
    reason = why(error) if isinstance(error, OSError) else str(error)
    return f"Cannot write to stdout: {reason}; send it to a file on a disk with space, or to /dev/null."


def echo_json(value: Any) -> None:
    """Prints one JSON value on stdout."""
    echo(escaped(json.dumps(value, indent=2, ensure_ascii=False)))


def say(text: str) -> None:
    """Prints one line for a person on stderr, or nothing where that cannot be written to."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            print(shown(text, sys.stderr.encoding or "utf-8"), file=sys.stderr, flush=True)


@contextmanager
def advice_as_notes() -> Iterator[None]:
    """Prints warnings that are ``Advice`` as notes of one line meanwhile; others are printed as before."""
    before = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *where: Any) -> None:
        if issubclass(category, Advice):
            say(f"Note: {message}")
        else:
            before(message, category, *where)

    warnings.showwarning = show  # type: ignore[assignment]
    try:
        yield
    finally:
        warnings.showwarning = before
