"""The errors a person sees: one sentence that says what, where, the value, and the fix."""

from __future__ import annotations

import re

UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Characters that move a terminal's cursor, break a line, or turn the order of letters round."""


def printable(text: str) -> str:
    """Returns text on one line, with what a terminal would act upon written out (``\\x1b``, ``\\udcff``).

    Bytes of a file's name that are no UTF-8 are surrogates, as ``os.fsdecode`` gives them.
    """
    seen = UNSEEN.sub(lambda found: _escape(ord(found[0])), text)
    return seen.encode("utf-8", "backslashreplace").decode("utf-8")


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


class FsbenchError(Exception):
    """A run cannot go on; the message is one sentence with the fix (exit status 1).

    Whatever names are in it, its text can be shown on a terminal.
    """

    exit_code = 1

    def __str__(self) -> str:
        return printable(super().__str__())


class UsageError(FsbenchError):
    """The request itself is wrong: a name, an option, a value (exit status 2)."""

    exit_code = 2


class Advice(UserWarning):
    """A warning in one sentence, which the command line prints as a note and Python as it prints others."""


class PluginError(FsbenchError):
    """A plugin's code raised or tried to end the program; its exception is the cause.

    ``reason`` is the exception alone, as one line.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason
