"""``fsbench suite``: many runs that one file describes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fewshot_bench.cli import cluster
from fewshot_bench.cli.output import echo, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fewshot_bench.suites import Outcomes, Plan, Planned, Suite, Unit

FILES = click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
PART = click.option("--part", help="Only the blocks of this name; of one file.")
RESULTS = click.option(
    "--results", type=click.Path(path_type=Path), help="Folder of the records, in place of that of the file."
)


@click.group("suite")
def command() -> None:
    """Run the methods, data sets, protocols, shots and seeds that a TOML file names; see docs/suites.md."""


@command.command("plan")
@FILES
@PART
@RESULTS
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a unit.")
def show(files: tuple[Path, ...], part: str | None, results: Path | None, as_json: bool) -> None:
    """List the units of FILES, what is there already, what failed and why, and an estimate of time; run nothing."""
    import json

    from fewshot_bench.suites import plan

    for suite in loaded(files, results):
        found = plan(suite.units(part))
        if as_json:
            for one in found.units:
                echo(json.dumps(row(one)))
            continue
        echo(f"{suite.name}: {suite.about}" if suite.about else suite.name)
        for one in found.units:
            about = f"  ({seconds(one.seconds)})" if one.seconds is not None else ""
            echo(f"{one.state:>10}  {one.unit.command()}{about}")
            if reason := one.defect or (one.failure.reason if one.failure else ""):
                echo(f"{'':>10}  {reason}")
        if any(one.stale for one in found.units):
            echo(
                "* The method's code is another one by now; `fsbench suite run --again` makes the record anew."
            )
        echo(total(found.units, found.left, found.seconds, found.unknown))


@command.command("run")
@FILES
@PART
@RESULTS
@click.option("--again", is_flag=True, help="Run the units too that have a record.")
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True,
    help="Where methods compute.",
)  # fmt: skip
@click.option("--data-root", type=click.Path(path_type=Path), help="Folder of data sets. [$FSBENCH_DATA]")
@click.option(
    "--time-limit", type=float, metavar="SECONDS",
    help="End a training, setup, batch of pictures or chunk of episodes that takes longer.",
)  # fmt: skip
@click.option("--isolated", "isolate", is_flag=True, help="Run each unit in a process of its own.")
@cluster.options
def go(
    files: tuple[Path, ...],
    part: str | None,
    results: Path | None,
    again: bool,
    executor: str,
    address: str | None,
    **places: Any,
) -> int:
    """Run the units of FILES that have no record yet, and write the table of the folder.

    A unit that fails is kept with its reason beside the records, the others go on, and the exit status is 1. After
    Ctrl-C or a kill the same command goes on from what is finished. The same command in two terminals shares the work.
    """
    from fewshot_bench.suites import plan
    from fewshot_bench.suites.found import write_table

    failures = 0
    for suite in loaded(files, results):
        found = plan(suite.units(part))
        units = [one.unit for one in (found.units if again else found.left) if not one.defect]
        failures += refused(found)
        say(f"{suite.name}: {total(found.units, found.left, found.seconds, found.unknown)}")
        with cluster.chosen(executor, address, places["device"]):
            outcomes = performed(units, places)
        failures += len(outcomes.failed)
        made, failed = len(outcomes.made), len(outcomes.failed)
        echo(f"{suite.name}: {made} of {len(units)} units made, {failed} failed.")
        if (path := write_table(suite)) is not None:
            echo(f"Table: {path}")
    return int(failures > 0)


@command.command("table")
@FILES
@RESULTS
def tabulate(files: tuple[Path, ...], results: Path | None) -> None:
    """Write the tables of FILES from the records that are there, and run nothing."""
    from fewshot_bench.errors import UsageError
    from fewshot_bench.suites.found import write_table

    for suite in loaded(files, results):
        path = write_table(suite)
        if path is None:
            raise UsageError(f"The suite {suite.name} names no table, or {suite.results} has no record.")
        echo(f"Table: {path}")


def loaded(files: Sequence[Path], results: Path | None) -> list[Suite]:
    """Returns the suites of files, each read before anything is run."""
    from fewshot_bench.suites import load

    return [load(path, results) for path in files]


def refused(found: Plan) -> int:
    """Says which units cannot be run at all, and returns how many."""
    impossible = [one for one in found.units if one.defect]
    for one in impossible:
        say(f"Impossible: {one.unit.command()}\n    {one.defect}")
    return len(impossible)


def performed(units: Sequence[Unit], places: dict[str, Any]) -> Outcomes:
    """Runs units with a line on stderr for each."""
    from fewshot_bench.cli.terminal import Watcher
    from fewshot_bench.report.scores import percent
    from fewshot_bench.suites import perform

    ended = [0]

    def number() -> str:
        ended[0] += 1
        return f"[{ended[0]}/{len(units)}]"

    def made(unit: Unit, record: Any, path: Path | None) -> None:
        ranked = f", mAP {percent(record.map.mean)} %" if record.map is not None else ""
        say(f"{number()} {percent(record.accuracy.mean):>5} %{ranked}  {unit.request.method}  {path}")

    def failed(unit: Unit, failure: Any) -> None:
        say(f"{number()} failed: {unit.command()}\n    {failure.reason}")

    outcomes = perform(units, watch=Watcher, made=made, failed=failed, **places)
    if outcomes.elsewhere:
        say(f"{outcomes.elsewhere} units were made by another process meanwhile.")
    if outcomes.failed:
        say(f"{len(outcomes.failed)} of {len(units)} units failed; `fsbench suite plan` says why.")
    return outcomes


def row(one: Planned) -> dict[str, Any]:
    """Returns a planned unit as plain values."""
    return {
        "state": one.state,
        "command": one.unit.command(),
        "key": one.unit.key if not one.defect else None,
        "identity": None if one.record is None else one.record.data.get("identity"),
        "reason": one.defect or (one.failure.reason if one.failure else None),
        "seconds": one.seconds,
    }


def total(units: Sequence[Any], left: Sequence[Any], estimate: float, unknown: int) -> str:
    """Returns how many units are there and how long the others may take, in a sentence."""
    impossible = sum(bool(one.defect) for one in units)
    if not left and impossible:
        return f"{impossible} of {len(units)} units cannot be run; the others have a record."
    if not left:
        return f"all {len(units)} units are there." if units else "no unit."
    text = f"{len(left)} of {len(units)} units to do"
    known = len(left) - unknown
    if known:
        text += f", about {seconds(estimate)}" + (f" for {known} of them" if unknown else "")
    return f"{text}; the others have a record." if len(left) < len(units) else f"{text}."


def seconds(value: float) -> str:
    """Returns a time in the unit that a person would use."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if value >= size:
            return f"{value / size:.1f} {unit}"
    return f"{value:.0f} s"
