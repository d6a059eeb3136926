"""``fsbench methods``: what is installed, and one method with its parameters."""

from __future__ import annotations

from pathlib import Path

import click

from fewshot_bench.cli.output import echo, echo_json, say


@click.command("methods")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    default=Path("results"),
    help="Folder of records from which the times are taken.  [default: results]",
)
def command(name: str | None, as_json: bool, results: Path) -> None:
    """List the installed methods; with NAME, show that one: reference, pretraining, parameters.

    The list says whether a method may look at all queries of an episode (transductive), whether it trains on base
    data, and how long its training and 1000 episodes took: the medians of the records in the folder of results.
    """
    from fewshot_bench.cli.listing import list_methods, show_method
    from fewshot_bench.cli.terminal import table
    from fewshot_bench.cli.times import spoken

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
    listed = list_methods(results)
    if as_json:
        echo_json(listed)
        return
    columns = ["method", "summary", "kind", "trains", "training", "1000 episodes", "distribution"]
    sound = [row for row in listed if not row["broken"]]
    for row in sound:
        row |= {"training": spoken(row["training_s"]), "1000 episodes": spoken(row["episodes_s"])}
    echo(table(columns, [[row[c] for c in columns] for row in sound]))
    if any(row["episodes_s"] is not None for row in sound):
        say(f"Times are medians of the records in {results}, on the machines that made them.")
    for row in listed:
        if row["broken"]:
            say(f"broken: {row['broken']}")
