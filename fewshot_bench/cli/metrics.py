"""``fsbench metrics``: what a run can be asked for besides accuracy and mAP."""

from __future__ import annotations

import click

from fewshot_bench.cli.output import echo, echo_json, say


@click.command("metrics")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """List the installed metrics; `fsbench run --metric NAME` puts one into the record.

    Example: fsbench run --method pixels --dataset digits --ways 10 --metric top5
    """
    from fewshot_bench.cli.listing import list_metrics
    from fewshot_bench.cli.terminal import table

    listed = list_metrics()
    if as_json:
        echo_json(listed)
        return
    columns = ["metric", "summary", "of", "distribution"]
    echo(table(columns, [[row[c] for c in columns] for row in listed if not row["broken"]]))
    for row in listed:
        if row["broken"]:
            say(f"broken: {row['broken']}")
