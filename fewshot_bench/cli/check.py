"""``fsbench check``: does a method keep its contract?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command("check")
@click.argument("method")
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
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
def command(
    method: str, settings: tuple[str, ...], data_root: Path | None, device: str, as_json: bool, **options: Any
) -> int:
    """Check that METHOD keeps its contract on a few episodes; the exit status is 1 when it does not.

    Its scores may not depend on the other queries, on the order of queries, classes or support pictures, on the
    other episodes, on padding, on the batch in which a picture is encoded, or on global generators of random
    numbers, and they are equal when the method runs again.

    \b
    Example: fsbench check pretrained-lr
    """
    import json

    from fewshot_bench.cli.terminal import Watcher
    from fewshot_bench.cli.verdict import wrapped
    from fewshot_bench.conformance.check import check_method
    from fewshot_bench.contract.config import parse_settings
    from fewshot_bench.engine import Request

    request = Request(method=method, parameters=parse_settings(settings), **options)
    with Watcher() as watcher:
        report = check_method(request, data_root=data_root, device=device, progress=watcher)
    if as_json:
        click.echo(json.dumps(report.to_json(), indent=2, ensure_ascii=False))
    else:
        for trial in report.trials:
            click.echo("\n".join(wrapped(f"{trial.verdict:<9} {trial.check:<12}", trial.text)))
        click.echo(f"{method} {'keeps' if report.sound else 'breaks'} its contract on {report.dataset}.")
    return 0 if report.sound else 1
