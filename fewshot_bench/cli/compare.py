"""``fsbench compare``: two records of the same episodes, paired."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("compare")
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(first: Path, second: Path, as_json: bool) -> None:
    """Print the paired difference FIRST minus SECOND (record files) in accuracy and mAP, in points."""
    import json

    from fewshot_bench.records import printable, read
    from fewshot_bench.report.comparison import compare_records

    compared = compare_records(read(first), read(second))
    text = json.dumps(compared.to_json(), indent=2, ensure_ascii=False) if as_json else compared.text()
    click.echo(printable(text))
