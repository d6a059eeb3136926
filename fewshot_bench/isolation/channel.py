"""Channel: the isolated process as its parent sees it. It is started, asked, and ended when it does not answer."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, BinaryIO

from numpy.typing import NDArray

from fewshot_bench.errors import FsbenchError, PluginError, UsageError
from fewshot_bench.isolation.wire import Arrays, WireError, receive, send

HIDDEN = ("FSBENCH_DATA",)
"""Environment variables that the process is not given."""

PATIENCE = 5.0
"""Seconds that a process has to end once it is told to."""

Answer = Callable[[dict[str, Any]], Arrays | None]
"""Answers a question of the process: the arrays of a reply, or None where it waits for none."""


class RemoteError(Exception):
    """The traceback of an exception in the isolated process, as text."""


class Channel:
    """A process that runs one method. ``what`` begins sentences about it; a call may take ``limit`` seconds.

    ``notes`` takes the sentences of the guard there.
    """

    def __init__(self, what: str, limit: float | None, notes: list[str], answer: Answer) -> None:
        self.what, self.limit, self.notes, self.answer = what, limit, notes, answer
        self.lock = threading.Lock()
        theirs, mine = os.pipe()
        here, there = os.pipe()
        environment = {k: v for k, v in os.environ.items() if k not in HIDDEN}
        environment["PYTHONPATH"] = os.pathsep.join(path or "." for path in sys.path)
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "fewshot_bench.isolation.serve", str(theirs), str(there)],
                stdin=subprocess.DEVNULL, stdout=2, pass_fds=(theirs, there), env=environment,
            )  # fmt: skip
        finally:
            os.close(theirs)
            os.close(there)
        self.to: BinaryIO = os.fdopen(mine, "wb")
        self.back: BinaryIO = Timed(here, self)  # type: ignore[assignment]
        self.until: float | None = None

    def ask(
        self,
        call: str,
        head: Mapping[str, Any] | None = None,
        arrays: Mapping[str, NDArray[Any]] | None = None,
    ) -> tuple[dict[str, Any], Arrays]:
        """Returns the reply to a call.

        Raises what the method raised as UsageError, FsbenchError or PluginError, and PluginError where the process
        ended or took longer than the limit, which ends it.
        """
        with self.lock:
            self.until = None if self.limit is None else time.monotonic() + self.limit
            try:
                send(self.to, {"call": call, **(head or {})}, arrays)
                while "question" in (reply := receive(self.back))[0]:
                    answered = self.answer(reply[0])
                    if answered is not None:
                        send(self.to, {}, answered)
            except TimeoutError:
                self.close()
                raise FsbenchError(
                    f"{self.what} took longer than {self.limit:g} s in {call}, and its process was ended; give it "
                    "more by --time-limit: the same command goes on from what is finished."
                ) from None
            except (OSError, WireError) as error:
                raise self._ended(call, error) from error
            self.notes += [note for note in reply[0].get("notes", ()) if note not in self.notes]
            if "error" in reply[0]:
                raise_remote(reply[0])
            return reply

    def close(self) -> None:
        """Ends the process."""
        for stream in (self.to, self.back):
            with suppress(OSError):
                stream.close()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def _ended(self, call: str, error: Exception) -> PluginError:
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(PATIENCE)
        status = self.process.poll()
        self.close()
        if status is None:
            reason = f"its process broke the exchange of messages: {error}"
        elif status < 0:
            reason = f"its process was ended by signal {-status} ({signal.Signals(-status).name})"
        else:
            reason = f"its process ended with status {status} and without an answer"
        return PluginError(f"{self.what} failed in {call}: {reason}.", reason)


class Timed:
    """The reading end of a pipe that raises TimeoutError when the time of its channel is over."""

    def __init__(self, number: int, channel: Channel) -> None:
        self.number, self.channel = number, channel

    def readinto(self, view: memoryview) -> int:
        """Reads into ``view`` what is there, and waits for it; returns the number of bytes, 0 at the end."""
        until = self.channel.until
        if (
            until is not None
            and not select.select([self.number], [], [], max(0.0, until - time.monotonic()))[0]
        ):
            raise TimeoutError
        return os.readv(self.number, [view])

    def close(self) -> None:
        """Closes the pipe."""
        number, self.number = self.number, -1
        if number >= 0:
            os.close(number)


def raise_remote(reply: Mapping[str, Any]) -> None:
    """Raises the error of a reply."""
    kind, text = str(reply["error"]), str(reply.get("text", ""))
    if kind == "usage":
        raise UsageError(text)
    if kind == "sentence":
        raise FsbenchError(text)
    raise PluginError(text, str(reply.get("reason", text))) from RemoteError(str(reply.get("traceback", "")))
