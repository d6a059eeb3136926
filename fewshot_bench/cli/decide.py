"""``fsbench decide``: which method, how many references and which threshold a folder of products needs."""

from __future__ import annotations

from pathlib import Path

import click

from fewshot_bench.cli.output import echo_json, say
from fewshot_bench.cli.shelf import print_parts, require_page, shelf_options, write_page


@click.command("decide")
@click.argument("folder", metavar="FOLDER")
@click.option(
    "--method", "methods", multiple=True, metavar="NAME",
    help="A method to try, given once for each. [default: pretrained-lr, pretrained-proto, pretrained-knn]",
)  # fmt: skip
@click.option(
    "--backbone", "backbones", multiple=True, metavar="NAME[=FILE]",
    help="An encoder to try, with a file of its weights where they are not published ones.",
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
      fsbench decide ~/products --report decision.html
    """
    from fewshot_bench.cli.terminal import Watcher
    from fewshot_bench.errors import UsageError
    from fewshot_bench.shelf import decided
    from fewshot_bench.shelf.candidates import METHODS, candidates, rates
    from fewshot_bench.shelf.decide import decide
    from fewshot_bench.shelf.page import shelf_page

    require_page(report)
    if not 0 < accuracy <= 1:
        raise UsageError(f"--accuracy must be above 0 and at most 1, not {accuracy}; 0.95 is 95 %.")
    with Watcher() as watcher:
        tried, notes = candidates(
            folder, methods or METHODS, backbones,
            data_root=data_root, device=device, verify=verify, progress=watcher,
        )  # fmt: skip
        found = decide(tried, target=accuracy, seed=seed)
        (winner,) = [one for one in tried if one.label == found.method][:1]
        rate = rates(winner, Path(folder).expanduser())
    parts = decided.parts_of(found, rate, folder)
    lead = [f"{found.products} products, {found.references} references, {len(tried)} methods tried."]
    if report is not None:
        write_page(report, shelf_page("Which method for these products", [*lead, *notes], parts))
    if as_json:
        echo_json(decided.as_json(found, rate, notes))
    else:
        print_parts(lead, parts)
    for note in notes:
        say(note)
