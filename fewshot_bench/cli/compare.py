"""``fsbench compare``: two records of the same episodes, paired."""

from __future__ import annotations

from pathlib import Path

import click

from fewshot_bench.cli.output import echo, echo_json


@click.command("compare")
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(first: Path, second: Path, as_json: bool) -> None:
    """Print the paired difference FIRST minus SECOND (record files) in accuracy and mAP, in points."""
    from fewshot_bench.records import read
    from fewshot_bench.report.comparison import compare_records

    compared = compare_records(read(first), read(second))
    if as_json:
        echo_json(compared.to_json())
    else:
        echo(compared.text())
