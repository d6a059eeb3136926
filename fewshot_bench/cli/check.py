"""``fsbench check``: does a method keep its contract?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command("check")
@click.argument("method")
@click.option("--dataset", default="digits", show_default=True, help="Small data, to try it on.")
@click.option("--ways", default="5", show_default=True)
@click.option("--shots", default="2", show_default=True)
@click.option("--queries", default="4", show_default=True)
@click.option("--episodes", type=int, default=3, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--train-dataset", default="packshots", show_default=True, help="Of methods that train.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A parameter of the method.")
@click.option("--data-root", type=click.Path(path_type=Path), help="Folder of data sets. [$FSBENCH_DATA]")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
def command(
    method: str, settings: tuple[str, ...], data_root: Path | None, device: str, as_json: bool, **options: Any
) -> int:
    """Try METHOD on a few episodes: exit 1 where its scores depend on what they may not depend on.

    Queries alone and in another order, classes and support pictures in another order, episodes one by one,
    padding, the same again, pictures encoded alone, global generators of random numbers.

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
