"""``fsbench references``: which references are doubtful, which products need more, which look alike."""

from __future__ import annotations

from pathlib import Path

import click

from fewshot_bench.cli.shelf import require_page, shelf_options, show_findings


@click.command("references")
@click.argument("place", metavar="FOLDER_OR_FILE")
@click.option(
    "--method", default="pretrained-lr", show_default=True,
    help="Name of the method whose encoder looks at the pictures of a folder.",
)  # fmt: skip
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A parameter of the method.")
@shelf_options
def command(
    place: str,
    method: str,
    settings: tuple[str, ...],
    data_root: Path | None,
    device: str,
    verify: bool,
    as_json: bool,
    report: Path | None,
) -> None:
    """Say which references of FOLDER, or of a recogniser FILE, are doubtful, and which products need more.

    \b
    Example:
      fsbench references ~/products --report references.html
      fsbench references shop.fsb
    """
    from fewshot_bench.cli.terminal import Watcher
    from fewshot_bench.contract.config import parse_settings
    from fewshot_bench.engine import Request
    from fewshot_bench.shelf.findings import reference_findings

    require_page(report)
    request = Request(method, place, parameters=parse_settings(settings))
    with Watcher() as watcher:
        found = reference_findings(
            request, pictures=report is not None,
            data_root=data_root, device=device, verify=verify, progress=watcher,
        )  # fmt: skip
    show_findings(found, report, as_json=as_json)
