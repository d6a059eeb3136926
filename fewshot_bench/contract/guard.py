"""Guard: a plugin's code runs behind it, so that what one plugin does costs no other its result.

Whatever it raises is a sentence that names the plugin, an exit above all: ``sys.exit(0)`` must not end a run as if it
had succeeded. What it prints goes to stderr, stdout being the record's. The state that a process shares is put back
(``state.py``). A call that takes longer than ``limit`` is ended.

It is no sandbox: code that means harm is stopped by no means within its own process.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, field
from typing import Any

from fewshot_bench.contract.state import Setting, restore, snapshot
from fewshot_bench.errors import FsbenchError, PluginError

AGAIN = 10.0
"""Seconds after which a plugin that went on in spite of its time limit is interrupted again."""


class OutOfTime(BaseException):
    """Raised inside the plugin when its time is over; no ``except Exception`` swallows it."""


@dataclass
class Guard:
    """What runs the code of one plugin: ``with guard("fit"): …``.

    ``what`` begins its sentences ("The method pixels"). ``limit`` is the number of seconds that one call may take,
    None without one. ``generators`` says whether global generators of random numbers are put back. ``notes`` has a
    sentence for each kind of change that was put back.
    """

    what: str
    limit: float | None = None
    generators: bool = True
    notes: list[str] = field(default_factory=list)
    _began: float = 0.0
    _armed: bool = False

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Runs the block as the plugin's ``stage``.

        Raises PluginError for anything that the block raises but FsbenchError and KeyboardInterrupt, and
        FsbenchError where it took longer than ``limit``.
        """
        self._began = time.monotonic()
        shared.enter()
        try:
            with self._alarm():
                yield
        except (FsbenchError, KeyboardInterrupt):
            raise
        except OutOfTime:
            raise self._late(stage) from None
        except BaseException as error:
            raise self._failed(stage, error) from error
        finally:
            for name in shared.leave(generators=self.generators):
                self._note(f"{self.what} changed {name} in {stage}; it was put back.")
        if self.limit is not None and time.monotonic() - self._began > self.limit:
            raise self._late(stage)

    def again(self) -> None:
        """Begins the time limit anew: one unit of the work is done."""
        self._began = time.monotonic()
        if self._armed and self.limit is not None:
            signal.setitimer(signal.ITIMER_REAL, self.limit, AGAIN)

    def watched(self, progress: Callable[[int, int], None]) -> Callable[[int, int], None]:
        """Returns ``progress`` with the time limit begun anew at each call."""

        def told(done: int, total: int) -> None:
            self.again()
            progress(done, total)

        return told

    def _note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)

    def _late(self, stage: str) -> FsbenchError:
        return FsbenchError(
            f"{self.what} took longer than {self.limit:g} s in {stage}; give it more by --time-limit: the same "
            "command goes on from what is finished."
        )

    def _failed(self, stage: str, error: BaseException) -> PluginError:
        reason = " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
        if isinstance(error, SystemExit):
            reason = f"it called exit with {error.code!r}, which ends no run; raise an exception"
        return PluginError(f"{self.what} failed in {stage}: {reason}.", reason)

    @contextmanager
    def _alarm(self) -> Iterator[None]:
        """The time limit, where this thread can set an alarm; elsewhere it is looked at behind the call."""
        main = threading.current_thread() is threading.main_thread()
        if self.limit is None or not main or not hasattr(signal, "setitimer"):
            yield
            return

        def ring(*_: Any) -> None:
            raise OutOfTime

        old = signal.signal(signal.SIGALRM, ring)
        self._armed = True
        signal.setitimer(signal.ITIMER_REAL, self.limit, AGAIN)
        try:
            yield
        finally:
            self._armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, old)


class Shared:
    """The shared state and stdout, taken by the first of several guards at once and put back by the last."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.depth = 0
        self.before: dict[str, tuple[Setting, Any]] = {}
        self.stdout: Any = None

    def enter(self) -> None:
        """Takes the state, and turns stdout to stderr, unless another guard has."""
        with self.lock:
            self.depth += 1
            if self.depth == 1:
                self.before = snapshot()
                self.stdout = to_stderr()
                self.stdout.__enter__()

    def leave(self, *, generators: bool) -> list[str]:
        """Puts all back when the last guard leaves; returns the names of what had been changed."""
        with self.lock:
            self.depth -= 1
            if self.depth:
                return []
            self.stdout.__exit__(None, None, None)
            return restore(self.before, generators=generators)


shared = Shared()


@contextmanager
def to_stderr() -> Iterator[None]:
    """Turns what is written to stdout to stderr: by Python, by libraries and by processes that are started."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    kept = None
    with suppress(OSError):
        kept = os.dup(1)
        os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        with suppress(Exception):
            if sys.__stdout__ is not None:
                sys.__stdout__.flush()
        if kept is not None:
            with suppress(OSError):
                os.dup2(kept, 1)
            os.close(kept)
