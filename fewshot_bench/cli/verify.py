"""``fsbench verify``: records held against their arrays, their episodes and a few runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fewshot_bench.cli.output import echo, echo_json, say

MARKS = {"holds": "holds", "fails": "FAILS", "not tried": "not tried"}


@click.command("verify")
@click.argument("records", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--data-root", type=click.Path(path_type=Path), help="Folder of data sets. [$FSBENCH_DATA]")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    help="Where to run. [default: each record's]",
)
@click.option(
    "--numbers-only", is_flag=True, help="Run nothing; neither the data nor the methods are needed."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    records: tuple[Path, ...], data_root: Path | None, device: str | None, numbers_only: bool, as_json: bool
) -> int:
    """Verify RECORDS (files or folders): numbers, episodes, and 1 % of the episodes run again.

    The numbers are worked out from the arrays. The episodes are drawn again and have to have the record's hash. A
    hundredth of them, three at least, is run again, and every prediction has to be the record's. A trained method is
    trained again where its training is not in the cache. The exit status is 1 where a part fails or a file is no
    record.
    """
    failed = False
    shown = []
    for path, verdicts in each(records, data_root, device, again=not numbers_only):
        failed |= any(verdict.outcome == "fails" for verdict in verdicts)
        shown.append({"record": str(path), "verdicts": [verdict.to_json() for verdict in verdicts]})
        if not as_json:
            echo(str(path))
            for verdict in verdicts:
                echo(f"  {verdict.part:<9} {MARKS[verdict.outcome]:<9} {verdict.sentence}")
    if as_json:
        echo_json(shown)
    return 1 if failed else 0


def each(places: tuple[Path, ...], data_root: Path | None, device: str | None, *, again: bool) -> Any:
    """Yields the path of each record with the verdicts on it; a file that is no record has one that fails."""
    from fewshot_bench.cli.recorded import request_of
    from fewshot_bench.cli.terminal import Watcher
    from fewshot_bench.errors import UsageError
    from fewshot_bench.records import read_each
    from fewshot_bench.verification.verify import Verdict, verify

    for path, found in read_each(list(places)):
        if isinstance(found, str):
            yield path, [Verdict("numbers", "fails", found)]
            continue
        try:
            request = request_of(found) if again else None
        except UsageError as error:
            say(f"Note: {error}")
            request = None
        with Watcher() as watcher:
            chosen = device or str(found.data.get("device", "auto"))
            yield (
                path,
                list(
                    verify(found, request, data_root=data_root, device=chosen, again=again, progress=watcher)
                ),
            )
