"""``fsbench protocols``: what a run can be asked."""

from __future__ import annotations

import click

from fewshot_bench.cli.output import echo, echo_json, say


@click.command("protocols")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """List the protocols, those of plugins too; `fsbench run --protocol NAME` takes one.

    Example: fsbench run --method pixels --dataset digits --protocol oneshot-all
    """
    from fewshot_bench.cli.listing import list_protocols
    from fewshot_bench.cli.terminal import table

    listed = list_protocols()
    if as_json:
        echo_json(listed)
        return
    columns = ["protocol", "summary", "ways", "shots", "queries", "ranked by", "distribution"]
    echo(table(columns, [[row[c] for c in columns] for row in listed if not row["broken"]]))
    for row in listed:
        if row["broken"]:
            say(f"broken: {row['broken']}")
