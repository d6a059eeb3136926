"""``fsbench samplers``: what draws episodes in ways of its own."""

from __future__ import annotations

import click

from fewshot_bench.cli.output import echo, echo_json, say


@click.command("samplers")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """List the installed samplers; `fsbench run --sampler NAME` has one draw the episodes.

    Without one the suite draws them itself.
    """
    from fewshot_bench.cli.listing import list_samplers
    from fewshot_bench.cli.terminal import table

    listed = list_samplers()
    if as_json:
        echo_json(listed)
        return
    columns = ["sampler", "summary", "distribution"]
    if listed:
        echo(table(columns, [[row[c] for c in columns] for row in listed if not row["broken"]]))
    else:
        echo("No sampler is installed beside the suite's own; docs/samplers.md shows how one is written.")
    for row in listed:
        if row["broken"]:
            say(f"broken: {row['broken']}")
