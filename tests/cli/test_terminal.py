"""What a person sees of long work: bars on a terminal, now and then a line elsewhere, nothing of short work."""

from __future__ import annotations

import io
import sys

import pytest

from fewshot_bench.cli import terminal
from fewshot_bench.cli.terminal import Watcher


def test_elsewhere_a_line_is_said_every_half_minute(capsys, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now[0])
    with Watcher() as watcher:
        for done in range(1, 101):
            now[0] += 1
            watcher("embed", 20 * done, 2000)
        watcher("teacher", 0, 0)
        now[0] += 30
        watcher("teacher", 3, 50, "loss 0.6")
    output, lines = capsys.readouterr()
    assert output == ""
    assert lines.splitlines() == [
        "encoding images: 600 of 2,000",
        "encoding images: 1,200 of 2,000",
        "encoding images: 1,800 of 2,000",
        "teacher: 3 of 50, loss 0.6",
    ]


@pytest.mark.parametrize("terminal_there", [True, False])
def test_on_a_terminal_there_is_a_bar_and_short_work_elsewhere_is_silent(monkeypatch, terminal_there):
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: terminal_there)
    monkeypatch.setattr(sys, "stderr", stream)
    with Watcher() as watcher:
        for done in range(1, 11):
            watcher("embed", done, 10, "note")
    assert ("encoding images" in stream.getvalue() and "10/10" in stream.getvalue()) == terminal_there
    assert bool(stream.getvalue()) == terminal_there
