"""``fsbench run``: one method, one data set, one set of episodes, one record; or every combination of several."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fewshot_bench.cli import cluster
from fewshot_bench.cli.output import echo, say
from fewshot_bench.protocols import PROTOCOLS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fewshot_bench.engine import Request


@click.command("run")
@click.option(
    "--method", required=True, multiple=True, metavar="NAME",
    help="Name of a method; `fsbench methods` lists them. May be repeated.",
)  # fmt: skip
@click.option(
    "--dataset",
    required=True,
    multiple=True,
    metavar="NAME",
    help="Name of a data set (NAME or NAME:VARIANT), or a folder of class folders. May be repeated.",
)
@click.option(
    "--protocol",
    default="fewshot",
    show_default=True,
    metavar="NAME",
    help="; ".join(f"{p.name}: {p.summary}" for p in PROTOCOLS.values())
    + ". `fsbench protocols` lists those of plugins too.",
)
@click.option(
    "--ways", multiple=True, metavar="N", help="Classes of an episode, or all. May be repeated. [default: 5]"
)
@click.option(
    "--shots", multiple=True, metavar="K",
    help="Support images of a class, or all. May be repeated. [default: 1]",
)  # fmt: skip
@click.option(
    "--queries", help="Query images of a class, or all. [default: 15, or all where a class has fewer]"
)
@click.option("--episodes", type=int, help="Number of episodes. [default: 600; with all ways at most 100]")
@click.option("--seed", type=int, default=0, show_default=True, help="Which episodes are drawn.")
@click.option(
    "--train-seed",
    type=int,
    multiple=True,
    metavar="INTEGER",
    help="What a training draws: weights, batches. May be repeated. [default: 0]",
)
@click.option("--split", help="Class split to evaluate on. [default: novel, or all where there is none]")
@click.option("--drop-small", is_flag=True, help="Leave out classes with too few images, and say so.")
@click.option("--variable", is_flag=True, help="Meta-Dataset's variable ways and shots.")
@click.option(
    "--sampler", default="", metavar="NAME", help="What draws the episodes; `fsbench samplers` lists them."
)
@click.option("--episodes-from", type=click.Path(path_type=Path), help="Replay the episodes of a manifest.")
@click.option("--data-root", type=click.Path(path_type=Path), help="Folder of data sets. [$FSBENCH_DATA]")
@click.option(
    "--train-dataset", default="packshots", show_default=True, help="Base data of methods that train."
)
@click.option(
    "--unlabelled", multiple=True, metavar="DATASET", help="More pictures to train on, labels unused."
)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A parameter of the method.")
@click.option(
    "--metric", "metrics", multiple=True, metavar="NAME",
    help="One more number of the record; `fsbench metrics` lists them.",
)  # fmt: skip
@click.option(
    "--keep-scores", type=click.Path(path_type=Path), metavar="FILE.npz",
    help="Write the scores of all queries and their labels to a file.",
)  # fmt: skip
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option(
    "--results", type=click.Path(path_type=Path), default=Path("results"), show_default=True,
    help="Folder that the record is written to.",
)  # fmt: skip
@click.option(
    "--time-limit", type=float, metavar="SECONDS",
    help="End a training, setup, batch of pictures or chunk of episodes that takes longer.",
)  # fmt: skip
@click.option(
    "--isolated", "isolate", is_flag=True,
    help="Run the method in a process of its own, without labels of queries and names.",
)  # fmt: skip
@cluster.options
@click.option("--verify", is_flag=True, help="Read every file again instead of trusting sizes and dates.")
@click.option("--details", is_flag=True, help="Print all that a person may want to know of the run.")
@click.option("--json", "as_json", is_flag=True, help="Print the record as one JSON object.")
def command(
    as_json: bool,
    details: bool,
    settings: tuple[str, ...],
    keep_scores: Path | None,
    executor: str,
    address: str | None,
    **options: Any,
) -> int:
    """Run METHOD on episodes of DATASET and write a record.

    Example: fsbench run --method pretrained-lr --dataset packshots --ways 20 --shots 1

    Of several methods, data sets, ways, shots or training seeds every combination is run that has no record yet: what
    `fsbench suite` does with a file.
    """
    places = {
        key: options.pop(key) for key in ("data_root", "device", "results", "verify", "time_limit", "isolate")
    }
    requests = combined(settings, options)
    with cluster.chosen(executor, address, places["device"]):
        if len(requests) > 1:
            return several(requests, places, as_json=as_json, details=details, keep_scores=keep_scores)
        single(requests[0], places, as_json=as_json, details=details, keep_scores=keep_scores)
    return 0


def combined(settings: tuple[str, ...], options: dict[str, Any]) -> list[Request]:
    """Returns the requests of all combinations of the options that may be repeated."""
    from fewshot_bench.contract.config import parse_settings
    from fewshot_bench.engine import Request

    usual = {"method": (), "dataset": (), "ways": (None,), "shots": (None,), "train_seed": (0,)}
    axes = [tuple(dict.fromkeys(options[name])) or default for name, default in usual.items()]
    shared = {name: value for name, value in options.items() if name not in usual}
    return [
        Request(parameters=parse_settings(settings), **dict(zip(usual, chosen, strict=True)), **shared)
        for chosen in product(*axes)
    ]


def single(
    request: Request, places: dict[str, Any], *, as_json: bool, details: bool, keep_scores: Path | None
) -> None:
    """Runs one request and prints its outcome."""
    from fewshot_bench.cli.terminal import Watcher
    from fewshot_bench.engine import run
    from fewshot_bench.functions import keeper
    from fewshot_bench.records import Record, read_each
    from fewshot_bench.report.standing import three_lines
    from fewshot_bench.report.summary import summary

    keep = None if keep_scores is None else keeper(keep_scores)
    with Watcher() as watcher:
        record, path = run(request, progress=watcher, keep=keep, **places)
    if as_json:
        echo(record.to_json(), end="")
    elif details:
        echo(summary(record))
    else:
        others = [] if path is None else [one for one in sorted(path.parent.glob("*.json")) if one != path]
        beside = [one for _, one in read_each(others) if isinstance(one, Record)] if others else []
        echo("\n".join(three_lines(record, [record, *beside], str(places["results"]))))
    for note in record.environment.get("notes", ()):
        say(f"Note: {note}")
    say(f"Record: {path}")
    if keep_scores is not None:
        say(f"Scores: {keep_scores}")


def several(
    requests: Sequence[Request],
    places: dict[str, Any],
    *,
    as_json: bool,
    details: bool,
    keep_scores: Path | None,
) -> int:
    """Runs the requests that have no record by the methods' code of today; prints all, each table with its rows."""
    import json

    from fewshot_bench.cli.suite import performed, refused, total
    from fewshot_bench.errors import UsageError
    from fewshot_bench.report.leaderboard import tables
    from fewshot_bench.report.summary import summary
    from fewshot_bench.report.terminal import terminal
    from fewshot_bench.suites import Unit, plan

    if keep_scores is not None:
        raise UsageError(
            "--keep-scores is the file of one run, and several were asked for; leave it out, or name one."
        )
    results = places.pop("results")
    found = plan([Unit(request, results) for request in requests])
    failures = refused(found)
    todo = [one.unit for one in found.units if not one.defect and (one.record is None or one.stale)]
    if len(todo) < len(found.units):
        say(total(found.units, found.left, found.seconds, found.unknown))
    outcomes = performed(todo, places)
    made = {unit.key: record for unit, record, _ in outcomes.made}
    records = [
        record for one in found.units if not one.defect and (record := made.get(one.unit.key, one.record))
    ]
    if as_json:
        for record in records:
            echo(json.dumps(json.loads(record.to_json()), ensure_ascii=False))
    elif details:
        echo("\n\n".join(map(summary, records)))
    elif records:
        echo(terminal(tables(records)), end="")
    return int(bool(failures or outcomes.failed))
