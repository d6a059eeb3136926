"""``fsbench rerun``: a record's run done again."""

from __future__ import annotations

from pathlib import Path

import click

from fewshot_bench.cli.output import echo


@click.command("rerun")
@click.argument("record", type=click.Path(path_type=Path))
@click.option("--data-root", type=click.Path(path_type=Path), help="Folder of data sets. [$FSBENCH_DATA]")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    help="Where to run. [default: the record's]",
)
@click.option("--results", type=click.Path(path_type=Path), help="Keep the new record in this folder.")
def command(record: Path, data_root: Path | None, device: str | None, results: Path | None) -> int:
    """Run what RECORD (its JSON file) was made by again, and say whether the scores are equal or what differs.

    The exit status is 0 where all scores are equal, byte for byte, and 1 where they are not.
    """
    from fewshot_bench.cli.recorded import one_record, request_of
    from fewshot_bench.cli.terminal import Watcher
    from fewshot_bench.verification.rerun import rerun

    old = one_record(record)
    with Watcher() as watcher:
        found = rerun(
            old, request_of(old), data_root=data_root, device=device or str(old.data.get("device", "auto")),
            results=results, progress=watcher,
        )  # fmt: skip
    for line in found.lines():
        echo(line)
    return 0 if found.equal else 1
