"""The leaderboard for a terminal: short tables of 80 columns, best first."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

from fewshot_bench.report.leaderboard import Standing, Table, cells
from fewshot_bench.report.scores import low_to_high, percent, with_interval

WIDTH = 80

LEGEND = """\
±             95 % interval over episodes: how well the mean over these classes
              is known; with one split, over its test pictures, both ends shown
new classes   95 % interval over classes: where the score would lie for other
              classes of the same kind; the one to look at before a claim
rank          2–4: one method is better, two others cannot be told from it
              (paired differences with Holm's correction for all pairs)
~             mean over several trainings, with the lowest and the highest
*             transductive: sees all queries of an episode together
!             pretraining that held evaluated classes or pictures
+             reads the names of classes as well as their pictures"""


def terminal(made: Sequence[Table], *, top: int | None = None, width: int = WIDTH) -> str:
    """Returns all tables as text; ``top`` is the number of rows of each that are shown."""
    return "\n\n".join(block(table, top, width) for table in made)


def block(table: Table, top: int | None, width: int) -> str:
    """Returns one table: its title, a line of heads, a line a standing."""
    shown = table.standings[:top]
    headline = table.standings[0].headline[0]
    texts = [row_of(one) for one in shown]
    wide = [
        max(cell_len(line[i]) for line in [("rank", "", f"{headline} %", "new classes"), *texts])
        for i in range(4)
    ]
    room = width - wide[0] - wide[2] - wide[3] - 6
    lines = [fit(table.title, width), layout(("rank", "method", f"{headline} %", "new classes"), wide, room)]
    lines += [layout(line, wide, room) for line in texts]
    if len(shown) < len(table.standings):
        lines.append(f"… and {len(table.standings) - len(shown)} more")
    return "\n".join(lines)


def row_of(standing: Standing) -> tuple[str, str, str, str]:
    """Returns rank, method with its parameters and marks, score with its interval, and the interval over classes."""
    _, score = standing.headline
    text = with_interval(score)
    if len(standing.trainings) > 1:
        text = f"~{percent(score.mean)} ({low_to_high(score.interval)})"
    marks = ("*" if standing.record.transductive else "") + ("!" if standing.record.contaminated else "")
    marks += "+" if standing.record.data.get("reads_names") else ""
    return cells(standing)["rank"], f"{standing.label}{marks}", text, low_to_high(score.class_interval)


def layout(line: tuple[str, str, str, str], wide: list[int], room: int) -> str:
    """Returns the cells of a line in their columns."""
    rank, method, score, classes = line
    parts = (
        right(rank, wide[0]),
        set_cell_size(fit(method, room), room),
        right(score, wide[2]),
        right(classes, wide[3]),
    )
    return "  ".join(parts).rstrip()


def right(text: str, width: int) -> str:
    """Returns text aligned to the right."""
    return " " * max(0, width - cell_len(text)) + text


def fit(text: str, width: int) -> str:
    """Returns text cut to ``width`` cells, with an ellipsis where it was longer."""
    return text if cell_len(text) <= width else set_cell_size(text, max(1, width - 1)).rstrip() + "…"
