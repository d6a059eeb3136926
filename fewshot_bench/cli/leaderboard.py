"""``fsbench leaderboard``: tables of records."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fewshot_bench.cli.output import echo, say

if TYPE_CHECKING:
    from fewshot_bench.report.leaderboard import Table
    from fewshot_bench.report.page.gallery import Failure

GALLERIES = 12
"""Tables of a page that show pictures, the first ones."""

STYLES = ("terminal", "md", "csv", "json", "latex", "html")


@click.command("leaderboard")
@click.argument("results", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--format", "style", type=click.Choice(STYLES),
    help="How it is written. [default: terminal on a terminal, else md]",
)  # fmt: skip
@click.option("--output", type=click.Path(path_type=Path), help="Write to this file instead of stdout.")
@click.option("--dataset", help="Only tables of this data set (NAME or NAME:VARIANT).")
@click.option("--protocol", help="Only tables of this protocol.")
@click.option(
    "--method", "methods", multiple=True, metavar="NAME", help="Only rows of this method; may be repeated."
)
@click.option("--top", type=click.IntRange(1), help="Only so many rows of each table.")
@click.option("--legend", is_flag=True, help="Say what the columns and marks of the terminal table mean.")
@click.option(
    "--pictures", is_flag=True,
    help="In a page, show failures of the best method of each table, where the data are here and free to show.",
)  # fmt: skip
@click.option("--data-root", type=click.Path(path_type=Path), help="Folder of data sets. [$FSBENCH_DATA]")
@click.option(
    "--title", default="Leaderboard", show_default=True, help="Stands above a page or a Markdown file."
)
def command(
    results: tuple[Path, ...],
    style: str | None,
    output: Path | None,
    dataset: str | None,
    protocol: str | None,
    methods: tuple[str, ...],
    top: int | None,
    legend: bool,
    pictures: bool,
    data_root: Path | None,
    title: str,
) -> int:
    """Make tables of the records at RESULTS (files or folders; `results` where none is named).

    There is one table for each set of episodes. Trainings of one configuration that differ in --train-seed alone are
    one row with its spread; csv and json keep one line a record. Ranks are those of the whole table, whichever rows are
    shown. A file whose numbers do not follow from its arrays, or that is no record, is named and left out, and the exit
    status is then 1.
    """
    from fewshot_bench.cli.gather import sifted
    from fewshot_bench.errors import UsageError
    from fewshot_bench.files import write_atomic
    from fewshot_bench.records import printable
    from fewshot_bench.report.leaderboard import tables

    places = list(results) or [Path("results")]
    records, refused = sifted(places)
    made = chosen(tables(records), dataset, protocol, methods, top if style != "terminal" else None)
    if not made:
        raise UsageError(
            f"No row of the {len(records)} records at {', '.join(map(str, places))} fits these filters."
        )
    on_terminal = output is None and sys.stdout is not None and sys.stdout.isatty()
    style = style or ("terminal" if on_terminal else "md")
    galleries = failures_of(made, data_root) if pictures and style == "html" else {}
    text = written(made, style, title, top, legend=legend, galleries=galleries)
    if output is None:
        echo(text, end="")
    else:
        write_atomic(output, lambda stream: stream.write(text.encode("utf-8", "backslashreplace")))
        say(printable(f"Leaderboard: {output}"))
    return 1 if refused else 0


def chosen(
    made: Sequence[Table], dataset: str | None, protocol: str | None, methods: Sequence[str], top: int | None
) -> list[Table]:
    """Returns the tables and rows that filters leave; ranks stay those of the whole table."""
    kept = []
    for table in made:
        first = table.first
        if dataset not in (None, first.dataset, f"{first.dataset}:{first.variant}") or protocol not in (
            None,
            first.protocol,
        ):
            continue
        rows = [one for one in table.standings if not methods or one.record.method in methods][:top]
        if rows:
            kept.append(replace(table, standings=tuple(rows)))
    return kept


def failures_of(made: Sequence[Table], data_root: Path | None) -> dict[int, tuple[str, Sequence[Failure]]]:
    """Returns the failures of a row of each table with its label, by the table's number; what cannot be shown is said.

    The row is the best one whose record knows its pictures.
    """
    from fewshot_bench.cli.recorded import request_of
    from fewshot_bench.cli.terminal import Watcher
    from fewshot_bench.errors import FsbenchError
    from fewshot_bench.sheets.gallery import gallery

    found: dict[int, tuple[str, Sequence[Failure]]] = {}
    for number, table in enumerate(made):
        knowing = [one for one in table.standings if "pictures" in one.record.arrays]
        one = (knowing or table.standings)[0]
        record = one.record
        try:
            with Watcher() as watcher:
                shown = gallery(record, request_of(record), data_root=data_root, progress=watcher)
        except FsbenchError as error:
            say(f"No pictures for {table.title}: {error}")
            continue
        if shown:
            found[number] = one.label, shown
        if len(found) == GALLERIES:
            say(f"Pictures are shown for the first {GALLERIES} tables that can have them.")
            break
    return found


def written(
    made: Sequence[Table], style: str, title: str, top: int | None, *, legend: bool,
    galleries: Mapping[int, tuple[str, Sequence[Failure]]],
) -> str:  # fmt: skip
    """Returns tables in a format."""
    from fewshot_bench.cli.terminal import Watcher

    if style == "terminal":
        from fewshot_bench.report.terminal import LEGEND, terminal

        more = f"\n\n{LEGEND}" if legend else "\n\nfsbench leaderboard --legend explains the columns."
        return terminal(made, top=top) + more + "\n"
    if style in ("csv", "json"):
        from fewshot_bench.report.plain import frame, safe_csv

        if style == "csv":
            return safe_csv(frame(made))
        return frame(made).to_json(orient="records", indent=2, force_ascii=False) + "\n"
    if style == "latex":
        from fewshot_bench.report.latex import latex

        return latex(made)
    if style == "html":
        from fewshot_bench.report.page import page

        with Watcher() as watcher:
            return page(made, title, galleries=galleries, progress=watcher)
    from fewshot_bench.report.markdown import markdown

    return markdown(made, title)
