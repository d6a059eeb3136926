"""``fsbench datasets``: what can be named with --dataset, what of it is here, and whether it can be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fewshot_bench.cli.output import echo, echo_json, say


@click.command("datasets")
@click.argument("name", required=False)
@click.option(
    "--check", is_flag=True, help="Look for what would make an evaluation mislead; exit status 1 if found."
)
@click.option("--ways", metavar="N", help="With --check: classes of an episode, or all. [default: all]")
@click.option("--shots", metavar="K", help="With --check: support images of a class, or all. [default: 1]")
@click.option("--queries", metavar="Q", help="With --check: query images of a class, or all. [default: all]")
@click.option(
    "--split", help="With --check: the classes to check. [default: novel, or all where there is none]"
)
@click.option("--drop-small", is_flag=True, help="With --check: leave out classes with too few images.")
@click.option(
    "--base", multiple=True, metavar="DATASET", help="With --check: data that methods are trained on."
)
@click.option("--data-root", type=click.Path(path_type=Path), help="Folder of data sets. [$FSBENCH_DATA]")
@click.option("--verify", is_flag=True, help="Read every file again instead of trusting sizes and dates.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON value.")
def command(
    name: str | None, check: bool, data_root: Path | None, verify: bool, as_json: bool, **asked: Any
) -> int:
    """List the data sets, or show the card of one: licence, layout, where it is looked for, what is there.

    NAME is a data set (or NAME:VARIANT), a folder of class folders, or a CSV file. --check looks for broken files,
    for small classes, and for near-duplicates between support, queries and base data:

    \b
        fsbench datasets grozi120 --check --shots 5 --base packshots
    """
    if not check:
        refuse_unused(asked)
    if name is None:
        if check:
            raise click.UsageError("--check needs the NAME of a data set.")
        return show_list(as_json)
    where = {"data_root": data_root, "verify": verify}
    return show_check(name, asked, where, as_json) if check else show_card(name, where, as_json)


def refuse_unused(asked: dict[str, Any]) -> None:
    """Raises click's UsageError for an option that only --check reads."""
    for option, value in asked.items():
        if value:
            raise click.UsageError(f"--{option.replace('_', '-')} is an option of --check: add --check.")


def show_list(as_json: bool) -> int:
    """Prints a row for each data set, and on stderr the broken ones with their reason."""
    from fewshot_bench.cli.listing import list_datasets
    from fewshot_bench.cli.terminal import table

    listed = list_datasets()
    if as_json:
        echo_json(listed)
        return 0
    columns = ["dataset", "summary", "variants", "distribution"]
    echo(table(columns, [[row[c] for c in columns] for row in listed if not row["broken"]]))
    for row in listed:
        if row["broken"]:
            say(f"broken: {row['broken']}")
    return 0


def show_card(name: str, where: dict[str, Any], as_json: bool) -> int:
    """Prints the card of a data set."""
    from fewshot_bench.cli.card import card
    from fewshot_bench.cli.listing import show_dataset
    from fewshot_bench.cli.terminal import Watcher

    with Watcher() as watcher:
        shown = show_dataset(name, progress=watcher, **where)
    if as_json:
        echo_json(shown)
    else:
        echo(card(shown))
    return 0


def show_check(name: str, asked: dict[str, Any], where: dict[str, Any], as_json: bool) -> int:
    """Prints the findings on a data set; the status is 1 when an evaluation would mislead or is impossible."""
    from fewshot_bench.audit.check import Asked, check
    from fewshot_bench.cli.terminal import Watcher
    from fewshot_bench.cli.verdict import verdict
    from fewshot_bench.engine.request import count

    for option in ("ways", "shots", "queries"):
        value = asked.pop(option)
        asked |= {option: count(value, f"--{option}")} if value else {}
    with Watcher() as watcher:
        report = check(Asked(name, **asked), progress=watcher, **where)
    if as_json:
        echo_json(report.to_json())
    else:
        echo(verdict(report.to_json()))
    return 0 if report.verdict == "sound" else 1
