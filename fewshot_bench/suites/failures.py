"""Failures of units: each a small file beside the records, with its reason, until the unit succeeds."""

from __future__ import annotations

import json
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fewshot_bench.errors import FsbenchError, printable
from fewshot_bench.files import write_atomic
from fewshot_bench.suites.description import Unit

FOLDER, SUFFIX = "failures", ".failure"


@dataclass(frozen=True)
class FailedUnit:
    """Why a unit has no record: the sentence, when it was (UTC), and the traceback where it was no foreseen error."""

    command: str
    reason: str
    when: str
    traceback: str = ""


def place(unit: Unit) -> Path:
    """Returns the file that a failure of a unit is kept in."""
    return unit.results / FOLDER / f"{unit.request.method}-{unit.key[:12]}{SUFFIX}"


def keep(unit: Unit, error: BaseException) -> FailedUnit:
    """Writes the failure of a unit, and returns it; one that cannot be written is returned all the same."""
    foreseen = isinstance(error, FsbenchError)
    reason = str(error) if foreseen else f"{type(error).__name__}: {error}"
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    trace = "" if foreseen else "".join(traceback.format_exception(error))
    failure = FailedUnit(unit.command(), printable(reason), when, trace)
    text = json.dumps(failure.__dict__, indent=1)
    with suppress(FsbenchError):
        write_atomic(place(unit), lambda stream: stream.write(text.encode("utf-8", "backslashreplace")))
    return failure


def known(unit: Unit) -> FailedUnit | None:
    """Returns the failure of a unit that is kept; None where there is none, or its file cannot be read."""
    with suppress(OSError, ValueError, TypeError):
        if (path := place(unit)).is_file():
            return FailedUnit(**json.loads(path.read_text("utf-8")))
    return None


def forget(unit: Unit) -> None:
    """Removes the failure of a unit that has a record now."""
    path = place(unit)
    with suppress(OSError):
        path.unlink(missing_ok=True)
        path.parent.rmdir()
