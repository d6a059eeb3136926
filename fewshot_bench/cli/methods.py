"""``fsbench methods``: what is installed, and one method with its parameters."""

from __future__ import annotations

import click

from fewshot_bench.cli.output import echo, echo_json, say


@click.command("methods")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(name: str | None, as_json: bool) -> None:
    """List the installed methods; with NAME, show that one: reference, pretraining, parameters."""
    from fewshot_bench.cli.listing import list_methods, show_method
    from fewshot_bench.cli.terminal import table

    if name is not None:
        shown = show_method(name)
        if as_json:
            echo_json(shown)
            return
        parameters = shown.pop("parameters")
        for key, value in shown.items():
            echo(f"{key:<13} {value}")
        if parameters:
            columns = list(parameters[0])
            echo()
            echo(table(columns, [[row[c] for c in columns] for row in parameters]))
        return
    listed = list_methods()
    if as_json:
        echo_json(listed)
        return
    columns = ["method", "summary", "kind", "distribution"]
    echo(table(columns, [[row[c] for c in columns] for row in listed if not row["broken"]]))
    for row in listed:
        if row["broken"]:
            say(f"broken: {row['broken']}")
