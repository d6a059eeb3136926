"""``fsbench run``: one method, one data set, one set of episodes, one record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fewshot_bench.cli.output import echo, say
from fewshot_bench.protocols import PROTOCOLS


@click.command("run")
@click.option("--method", required=True, help="Name of a method; `fsbench methods` lists them.")
@click.option(
    "--dataset",
    required=True,
    help="Name of a data set (NAME or NAME:VARIANT), or a folder of class folders.",
)
@click.option(
    "--protocol",
    default="fewshot",
    show_default=True,
    metavar="NAME",
    help="; ".join(f"{p.name}: {p.summary}" for p in PROTOCOLS.values())
    + ". `fsbench protocols` lists those of plugins too.",
)
@click.option("--ways", help="N, classes of an episode, or all. [default: 5]")
@click.option("--shots", help="K, support images of a class, or all. [default: 1]")
@click.option(
    "--queries", help="Query images of a class, or all. [default: 15, or all where a class has fewer]"
)
@click.option("--episodes", type=int, help="Number of episodes. [default: 600; with all ways at most 100]")
@click.option("--seed", type=int, default=0, show_default=True, help="Which episodes are drawn.")
@click.option(
    "--train-seed", type=int, default=0, show_default=True, help="What a training draws: weights, batches."
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
@click.option("--verify", is_flag=True, help="Read every file again instead of trusting sizes and dates.")
@click.option("--details", is_flag=True, help="Print all that a person may want to know of the run.")
@click.option("--json", "as_json", is_flag=True, help="Print the record as one JSON object.")
def command(
    as_json: bool, details: bool, settings: tuple[str, ...], keep_scores: Path | None, **options: Any
) -> None:
    """Run METHOD on episodes of DATASET and write a record.

    Example: fsbench run --method pretrained-lr --dataset packshots --ways 20 --shots 1
    """
    from fewshot_bench.cli.terminal import Watcher
    from fewshot_bench.contract.config import parse_settings
    from fewshot_bench.engine import Request, run
    from fewshot_bench.functions import keeper
    from fewshot_bench.records import Record, read_each
    from fewshot_bench.report.standing import three_lines
    from fewshot_bench.report.summary import summary

    places = {
        key: options.pop(key) for key in ("data_root", "device", "results", "verify", "time_limit", "isolate")
    }
    keep = None if keep_scores is None else keeper(keep_scores)
    request = Request(parameters=parse_settings(settings), **options)
    with Watcher() as watcher:
        record, path = run(request, progress=watcher, keep=keep, **places)
    if as_json:
        echo(record.to_json(), end="")
    elif details:
        echo(summary(record))
    else:
        beside = [one for _, one in read_each([path.parent] if path else []) if isinstance(one, Record)]
        echo("\n".join(three_lines(record, beside, str(places["results"]))))
    for note in record.environment.get("notes", ()):
        say(f"Note: {note}")
    say(f"Record: {path}")
    if keep_scores is not None:
        say(f"Scores: {keep_scores}")
