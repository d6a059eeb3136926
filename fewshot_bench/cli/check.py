"""``fsbench check``: does a method keep its contract?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fewshot_bench.cli.output import echo, echo_json


@click.command("check")
@click.argument("method", required=False)
@click.option("--list", "listed", is_flag=True, help="List the checks and why each matters, and try none.")
@click.option(
    "--only", multiple=True, metavar="CHECK", help="Try this check alone; may be given several times."
)
@click.option("--dataset", default="digits", show_default=True, help="A data set; small ones do.")
@click.option("--ways", default="5", show_default=True, help="N, classes of an episode.")
@click.option("--shots", default="2", show_default=True, help="K, support images of a class, at least 2.")
@click.option("--queries", default="4", show_default=True, help="Query images of a class, at least 2.")
@click.option("--episodes", type=int, default=3, show_default=True, help="Number of episodes.")
@click.option("--seed", type=int, default=0, show_default=True, help="Which episodes are drawn.")
@click.option(
    "--train-dataset", default="packshots", show_default=True, help="Base data of methods that train."
)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A parameter of the method.")
@click.option("--data-root", type=click.Path(path_type=Path), help="Folder of data sets. [$FSBENCH_DATA]")
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True,
    help="Where it runs; auto takes a GPU where there is one.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the report, or the list, as one JSON object.")
def command(
    method: str | None,
    listed: bool,
    only: tuple[str, ...],
    settings: tuple[str, ...],
    data_root: Path | None,
    device: str,
    as_json: bool,
    **options: Any,
) -> int:
    """Check that METHOD keeps its contract on a few episodes; the exit status is 1 when it does not.

    Its scores may not depend on the other queries, on the order of queries, classes or support pictures, on the
    other episodes, on pictures that are not in the episode, on padding, on the batch in which a picture is encoded,
    on global generators of random numbers, on the process. `fsbench check --list` shows every check and why it
    matters. A method may declare in `expected_failures` which checks it fails, and why.

    \b
    Examples: fsbench check pretrained-lr
              fsbench check pretrained-lr --only query-alone --only class-order
              fsbench check --list
    """
    from fewshot_bench.cli.terminal import Watcher
    from fewshot_bench.conformance.run import check_method
    from fewshot_bench.contract.config import parse_settings
    from fewshot_bench.engine import Request
    from fewshot_bench.errors import UsageError

    if listed:
        show_checks(only, as_json)
        return 0
    if method is None:
        raise UsageError("Name a method, such as `fsbench check pixels`, or ask for the checks with --list.")
    request = Request(method=method, parameters=parse_settings(settings), **options)
    with Watcher() as watcher:
        report = check_method(request, only=only, data_root=data_root, device=device, progress=watcher)
    if as_json:
        echo_json(report.to_json())
    else:
        show_trials(report)
    return 0 if report.sound else 1


def show_trials(report: Any) -> None:
    """Prints how each check ended, and the explanation of those that failed."""
    from fewshot_bench.cli.verdict import wrapped
    from fewshot_bench.conformance.checks import CHECKS

    explained = {check.id: check.explanation for check in CHECKS}
    for trial in report.trials:
        echo("\n".join(wrapped(f"{trial.verdict:<10} {trial.check:<19}", trial.text)))
        if trial.verdict == "fails":
            echo("\n".join(wrapped(" " * 30, explained[trial.check])))
    echo(f"{report.method} {'keeps' if report.sound else 'breaks'} its contract on {report.dataset}.")


def show_checks(only: tuple[str, ...], as_json: bool) -> None:
    """Prints the checks: id, title and explanation."""
    from fewshot_bench.cli.verdict import wrapped
    from fewshot_bench.conformance.checks import FAMILIES

    found = [
        {"check": check.id, "family": family, "title": check.title, "explanation": check.explanation}
        for family, checks in FAMILIES.items()
        for check in checks
        if not only or check.id in only
    ]
    if as_json:
        echo_json({"checks": found})
        return
    for row in found:
        echo("\n".join(wrapped(f"{row['check']:<19}", f"{row['title']}.")))
        echo("\n".join(wrapped(" " * 19, row["explanation"])))
