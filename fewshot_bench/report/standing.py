"""The three lines after a run: its number, its place among records of the same episodes, and the next command."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from fewshot_bench.records import Record, printable
from fewshot_bench.report.leaderboard import cells, standings, tables, title_of
from fewshot_bench.report.measure import ends, over_families
from fewshot_bench.report.scores import low_to_high, percent, with_interval


def three_lines(record: Record, beside: Sequence[Record], results: str) -> list[str]:
    """Returns the number with its intervals, the place among ``beside``, and the next command.

    ``beside`` holds all records of the same episodes, the new one among them.
    """
    (one,) = standings([record])
    name, score = one.headline
    classes = f", {low_to_high(score.class_interval)} % for new classes" if score.class_interval else ""
    families = over_families([record], "map" if name == "mAP" else name)
    if families is not None and (both := ends(families)) is not None:
        classes += f", {low_to_high(both)} % for new families"
    number = f"{one.label} on {title_of(record)}: {name} {with_interval(score)} %{classes}"
    table = next(iter(tables(beside)), None)
    rows = table.standings if table else ()
    place = next((row for row in rows if any(r.identity == record.identity for r in row.trainings)), None)
    if table is None or place is None or len(table.standings) < 2:
        where = f"This is the first record of these episodes in {results}."
        following = f"fsbench leaderboard {shlex.quote(results)}"
    else:
        best = table.standings[0]
        where = f"Rank {cells(place)['rank']} of {len(table.standings)} on the same episodes in {results}"
        other = best if best is not place else table.standings[1]
        relation = "best" if best is not place else "next"
        where += f"; {relation}: {other.label} {percent(other.headline[1].mean)} %."
        named = dict.fromkeys((record.method, other.record.method))
        words = list(named) if len(named) > 1 else [f"{results}"]
        extra = [] if results == "results" or len(named) == 1 else ["--results", results]
        following = f"fsbench compare {shlex.join([*words, *extra])}"
    return [printable(line) for line in (number, where, f"Next: {following}")]
