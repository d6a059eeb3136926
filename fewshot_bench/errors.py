"""The errors a person sees: one sentence that says what, where, the value, and the fix."""

from __future__ import annotations


class FsbenchError(Exception):
    """A run cannot go on; the message is one sentence with the fix (exit status 1)."""

    exit_code = 1


class UsageError(FsbenchError):
    """The request itself is wrong: a name, an option, a value (exit status 2)."""

    exit_code = 2


class PluginError(FsbenchError):
    """A plugin's code raised or tried to end the program; its exception is the cause.

    ``reason`` is the exception alone, as one line.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason
