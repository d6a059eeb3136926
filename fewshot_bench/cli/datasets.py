"""``fsbench datasets``: what can be named with --dataset, and where it is looked for."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("datasets")
@click.argument("name", required=False)
@click.option("--data-root", type=click.Path(path_type=Path), help="Folder of data sets. [$FSBENCH_DATA]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(name: str | None, data_root: Path | None, as_json: bool) -> None:
    """List the data sets; with NAME, show its card: licence, layout, variants, and what is found here."""
    import json

    from fewshot_bench.cli.terminal import table
    from fewshot_bench.listing import list_datasets, show_dataset

    if name is not None:
        shown = show_dataset(name, data_root)
        if as_json:
            click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
            return
        for key, value in shown.items():
            for line in str(value).splitlines() or [""]:
                click.echo(f"{key:<12} {line}")
                key = ""
        return
    listed = list_datasets()
    if as_json:
        click.echo(json.dumps(listed, indent=2, ensure_ascii=False))
        return
    columns = ["dataset", "summary", "variants", "distribution"]
    click.echo(table(columns, [[row[c] for c in columns] for row in listed if not row["broken"]]))
    for row in listed:
        if row["broken"]:
            click.echo(f"broken: {row['broken']}", err=True)
