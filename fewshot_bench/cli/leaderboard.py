"""``fsbench leaderboard``: tables of records."""

from __future__ import annotations

from pathlib import Path

import click

from fewshot_bench.cli.output import echo, say


@click.command("leaderboard")
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--format", "style", type=click.Choice(["md", "csv", "json", "html"]), default="md", show_default=True
)
@click.option("--output", type=click.Path(path_type=Path), help="Write to this file instead of stdout.")
@click.option("--title", default="Leaderboard", show_default=True)
def command(results: tuple[Path, ...], style: str, output: Path | None, title: str) -> int:
    """Make tables of the records at RESULTS (files or folders): one table for each set of episodes.

    Trainings of one configuration that differ in --train-seed alone are one row with its spread; csv and json keep
    one line a record. A file that is no sound record is named and left out, and the exit status is then 1.
    """
    from fewshot_bench.cli.terminal import Watcher
    from fewshot_bench.errors import FsbenchError, UsageError
    from fewshot_bench.files import write_atomic
    from fewshot_bench.records import printable
    from fewshot_bench.report.leaderboard import tables
    from fewshot_bench.report.markdown import markdown
    from fewshot_bench.report.page import page
    from fewshot_bench.report.plain import frame
    from fewshot_bench.report.sound import read_tables

    with Watcher() as watcher:
        records, refused = read_tables(list(results), watcher)
    made = tables(records)
    for sentence in refused:
        say(f"Left out: {sentence}")
    if refused and not made:
        raise FsbenchError(
            f"None of the {len(refused)} files at {', '.join(map(str, results))} is a sound record."
        )
    if not made:
        raise UsageError(f"There is no record at {', '.join(map(str, results))}; `fsbench run` makes one.")
    if style == "csv":
        text = frame(made).to_csv(index=False)
    elif style == "json":
        text = frame(made).to_json(orient="records", indent=2, force_ascii=False) + "\n"
    else:
        with Watcher() as watcher:
            text = page(made, title, progress=watcher) if style == "html" else markdown(made, title)
    if output is None:
        echo(text, end="")
    else:
        write_atomic(output, lambda stream: stream.write(text.encode("utf-8", "backslashreplace")))
        say(printable(f"Leaderboard: {output}"))
    return 1 if refused else 0
