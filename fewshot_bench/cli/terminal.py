"""What a person sees while a run works: progress bars on a terminal, plain lines elsewhere, all on stderr."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from fewshot_bench.cli.output import say
from fewshot_bench.errors import printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

WORDS = {
    "scan": "reading files",
    "embed": "encoding images",
    "score": "scoring episodes",
    "calibrate": "finding the threshold",
    "predict": "classifying pictures",
    "units": "runs of the suite",
}


PERIOD = 30.0
"""Seconds between two plain lines."""


class Watcher:
    """Shows progress: one bar a stage on a terminal, elsewhere a plain line every half minute."""

    def __init__(self) -> None:
        self.on = sys.stderr is not None and sys.stderr.isatty()
        self.said = time.monotonic()
        self.bars: Progress | None = None
        self.tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Watcher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bars is not None:
            self.bars.stop()

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Advances the bar of ``stage``, or prints a line when it is time."""
        if total <= 0:
            return
        if not self.on:
            if time.monotonic() - self.said >= PERIOD:
                self.said = time.monotonic()
                say(f"{WORDS.get(stage, stage)}: {done:,} of {total:,}{', ' + note if note else ''}")
            return
        if self.bars is None:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            self.bars = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[note]}"),
                console=Console(stderr=True),
                transient=True,
            )
            self.bars.start()
        if stage not in self.tasks:
            self.tasks[stage] = self.bars.add_task(WORDS.get(stage, stage), total=total, note=note)
        self.bars.update(self.tasks[stage], completed=done, total=total, note=note)


def table(columns: list[str], rows: list[list[str]], *, title: str = "", right: tuple[str, ...] = ()) -> str:
    """Returns a table as text, as wide as the terminal (160 columns elsewhere).

    The columns ``right`` hold numbers and are aligned to the right.
    """
    import shutil
    from io import StringIO

    from rich import box
    from rich.console import Console
    from rich.table import Table

    drawn = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for name in columns:
        drawn.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(printable(cell).replace("[", "\\[") for cell in row))
    stream = StringIO()
    width = (
        shutil.get_terminal_size((120, 24)).columns if sys.stdout is not None and sys.stdout.isatty() else 160
    )
    Console(file=stream, width=width, no_color=True).print(drawn)
    return "\n".join(line.rstrip() for line in stream.getvalue().rstrip().splitlines())
