"""``fsbench sweep``: a search over parameters on validation classes, and one run on the test classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fewshot_bench.cli.output import echo, say


@click.command("sweep")
@click.option("--method", required=True, help="Name of a method; `fsbench methods NAME` shows its ranges.")
@click.option(
    "--dataset", required=True, help="Name of a data set with validation classes (NAME or NAME:VARIANT)."
)
@click.option("--trials", type=click.IntRange(1), required=True, help="Number of trials.")
@click.option(
    "--tune", multiple=True, metavar="NAME", help="Parameter to search. [default: all that declare a range]"
)
@click.option("--choices", multiple=True, metavar="NAME=A,B", help="A parameter with the values to try.")
@click.option(
    "--measure", type=click.Choice(["accuracy", "map"]), default="accuracy", show_default=True,
    help="What is maximised on validation classes.",
)  # fmt: skip
@click.option(
    "--sweep-seed", type=int, default=0, show_default=True, help="What the proposals are drawn from."
)
@click.option(
    "--protocol", default="fewshot", show_default=True, metavar="NAME", help="What is asked of the method."
)
@click.option("--ways", help="Classes of an episode, or all. [default: 5]")
@click.option("--shots", help="Support images of a class, or all. [default: 1]")
@click.option(
    "--queries", help="Query images of a class, or all. [default: 15, or all where a class has fewer]"
)
@click.option("--episodes", type=int, help="Number of episodes. [default: 600; with all ways at most 100]")
@click.option("--seed", type=int, default=0, show_default=True, help="Which episodes are drawn.")
@click.option(
    "--train-seed", type=int, default=0, show_default=True, help="What a training draws: weights, batches."
)
@click.option(
    "--train-dataset", default="packshots", show_default=True, help="Base data of methods that train."
)
@click.option(
    "--unlabelled", multiple=True, metavar="DATASET", help="More pictures to train on, labels unused."
)
@click.option("--drop-small", is_flag=True, help="Leave out classes with too few images, and say so.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A parameter that stays fixed.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True,
              help="Where methods compute.")  # fmt: skip
@click.option("--data-root", type=click.Path(path_type=Path), help="Folder of data sets. [$FSBENCH_DATA]")
@click.option("--folder", type=click.Path(path_type=Path), default=Path("sweeps"), show_default=True,
              help="Folder of the journal and of the trials' records.")  # fmt: skip
@click.option("--results", type=click.Path(path_type=Path), default=Path("results"), show_default=True,
              help="Folder that the record on test classes is written to.")  # fmt: skip
@click.option("--no-test", is_flag=True, help="Search, and leave the test classes alone.")
@click.option(
    "--figure", "target", type=click.Path(path_type=Path), metavar="FILE.svg", help="Draw the trials."
)
def command(
    trials: int,
    tune: tuple[str, ...],
    choices: tuple[str, ...],
    measure: Any,
    sweep_seed: int,
    settings: tuple[str, ...],
    device: str,
    data_root: Path | None,
    folder: Path,
    results: Path,
    no_test: bool,
    target: Path | None,
    **options: Any,
) -> None:
    """Search parameters of METHOD on the validation classes of DATASET, then run the best once on its test classes.

    After Ctrl-C or a kill the same command goes on, with more --trials too; in several terminals it shares the trials.
    The record on the test classes says how many trials there were.
    """
    from fewshot_bench.cli.terminal import Watcher
    from fewshot_bench.contract.config import parse_settings
    from fewshot_bench.engine import Request
    from fewshot_bench.files import write_atomic
    from fewshot_bench.report.standing import three_lines
    from fewshot_bench.suites.sweep import Sweep, SweepTrial, best, final, search

    request = Request(parameters=parse_settings(settings), **options)
    sweep = Sweep(request, trials, folder, tune, listed(choices), measure, sweep_seed)
    places = {"device": device, "data_root": data_root}

    def told(trial: SweepTrial) -> None:
        value = "failed: " + trial.reason if trial.value is None else f"{100 * trial.value:.2f} %"
        say(f"[{trial.number + 1}/{trials}] {value}  {words(trial.parameters)}")

    found = search(sweep, watch=Watcher, told=told, **places)
    winner = best(found)
    assert winner.value is not None
    share = f"{measure} {100 * winner.value:.2f} %"
    echo(f"Best of {len(found)} trials on validation classes: {share}, {words(winner.parameters)}")
    say(f"Trials: {sweep.journal}, records: {sweep.records}")
    if target is not None:
        from fewshot_bench.suites.sweep_figure import figure

        drawing = figure(sweep, found)
        write_atomic(target, lambda stream: stream.write(drawing))
        say(f"Figure: {target}")
    if no_test:
        return
    record, path = final(sweep, found, results=results, watch=Watcher, **places)
    echo("\n".join(three_lines(record, [record], str(results))))
    say(f"Record: {path}")


def listed(choices: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Returns the values of each ``NAME=A,B``; UsageError for anything else, and for fewer than two."""
    from fewshot_bench.errors import UsageError

    found = {}
    for text in choices:
        name, _, rest = text.partition("=")
        values = tuple(dict.fromkeys(value.strip() for value in rest.split(",") if value.strip()))
        if not name or len(values) < 2:
            raise UsageError(f"--choices {text!r} is not of the form NAME=A,B with two values or more.")
        found[name.strip()] = values
    return found


def words(parameters: Any) -> str:
    """Returns parameters as they would be typed, numbers with four digits."""
    return ", ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in parameters.items())
