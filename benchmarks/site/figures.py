"""Figures of the page on intervals, from published records of one table."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fewshot_bench.records import read_all
from fewshot_bench.report.contest import Contest
from fewshot_bench.report.leaderboard import Table, tables
from fewshot_bench.report.page.plots import ACCENT, RC, SOFT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FOLDER = Path("grocery-store-natural")
"""Photographs of groceries, 20-way 1-shot: frozen features and pixels."""


def table_of(results: Path) -> Table:
    """The table whose records the figures show."""
    return tables(read_all([next((results / FOLDER).glob("fewshot-20way-1shot-*"))]))[0]


def svg(size: tuple[float, float], draw: Callable[[Axes], None]) -> str:
    """An SVG that is the same each time."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({**RC, "svg.fonttype": "path"}):
        canvas = Figure(figsize=size, layout="tight")
        draw(canvas.add_subplot())
        stream = io.StringIO()
        canvas.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue().replace("#010203", "#777777")


def intervals(results: Path) -> str:
    """Both intervals of each row: over episodes (dark, narrow) and over classes (light, wide)."""
    table = table_of(results)

    def draw(axes: Axes) -> None:
        for place, one in enumerate(table.standings):
            _, score = one.headline
            for ends, colour, width in ((score.class_interval, SOFT, 6.0), (score.interval, ACCENT, 6.0)):
                if ends is not None:
                    shares = [100 * end for end in ends]
                    axes.plot(shares, [place, place], color=colour, linewidth=width, solid_capstyle="butt")
        axes.set_yticks(range(len(table.standings)), [one.label for one in table.standings])
        axes.invert_yaxis()
        axes.set_xlabel("accuracy %")

    return svg((6.4, 2.6), draw)


def differences(results: Path) -> str:
    """The paired difference of the best row and each other one, with its interval for new classes."""
    contest = Contest(table_of(results))

    def draw(axes: Axes) -> None:
        axes.axvline(0, color=SOFT, linewidth=1)
        for place in range(1, len(contest.standings)):
            over = contest.difference(0, place).decisive
            assert over.low is not None and over.high is not None
            ends = [100 * over.low, 100 * over.high]
            axes.plot(ends, [place, place], color=ACCENT, linewidth=3, solid_capstyle="butt")
            axes.plot(100 * over.mean, place, "o", color=ACCENT, markersize=5)
        names = [one.label for one in contest.standings]
        axes.set_yticks(range(1, len(names)), names[1:])
        axes.invert_yaxis()
        axes.set_xlabel(f"points that {names[0]} is above")

    return svg((6.4, 2.3), draw)
