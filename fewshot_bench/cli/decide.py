"""``fsbench decide``: which method, how many references and which threshold a folder of products needs."""

from __future__ import annotations

from pathlib import Path

import click

from fewshot_bench.cli.shelf import require_page, shelf_options, show_findings


@click.command("decide")
@click.argument("folder", metavar="FOLDER")
@click.option(
    "--method", "methods", multiple=True, metavar="NAME",
    help="A method to try, given once for each. [default: pretrained-lr, pretrained-proto, pretrained-knn]",
)  # fmt: skip
@click.option(
    "--backbone", "backbones", multiple=True, metavar="NAME[=FILE]",
    help="An encoder to try, with a file of its weights where they are not published ones; given once for each. "
    "[default: that of each method, and those whose weights are in $FSBENCH_WEIGHTS]",
)  # fmt: skip
@click.option(
    "--on", multiple=True, type=click.Path(path_type=Path), metavar="DIR_OR_FILE",
    help="Pictures of the kind that will be asked, without labels: what is expected of them is said as well.",
)  # fmt: skip
@click.option(
    "--accuracy", type=float, default=0.95, show_default=True,
    help="Share of accepted pictures that are to be right; the others go to a person.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="What is drawn.")
@shelf_options
def command(
    folder: str,
    methods: tuple[str, ...],
    backbones: tuple[str, ...],
    on: tuple[Path, ...],
    accuracy: float,
    seed: int,
    data_root: Path | None,
    device: str,
    verify: bool,
    as_json: bool,
    report: Path | None,
) -> None:
    """Say which method, how many references and which threshold the products of FOLDER need, from them alone.

    \b
    Example:
      fsbench decide ~/products
      fsbench decide ~/products --on ~/new --report decision.html
    """
    from fewshot_bench.cli.terminal import Watcher
    from fewshot_bench.shelf.candidates import METHODS
    from fewshot_bench.shelf.findings import decide_findings

    require_page(report)
    with Watcher() as watcher:
        found = decide_findings(
            folder, methods or METHODS, backbones or None,
            on=list(on) or None, accuracy=accuracy, seed=seed,
            data_root=data_root, device=device, verify=verify, progress=watcher,
        )  # fmt: skip
    show_findings(found, report, as_json=as_json)
