"""``fsbench references``: which references are doubtful, which products need more, which look alike."""

from __future__ import annotations

from pathlib import Path

import click

from fewshot_bench.cli.output import echo_json
from fewshot_bench.cli.shelf import print_parts, require_page, shelf_options, thumbnails, write_page


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
    from fewshot_bench.recogniser.making import fit_references, stored_references
    from fewshot_bench.shelf import audited
    from fewshot_bench.shelf.audit import audit
    from fewshot_bench.shelf.page import shelf_page

    require_page(report)
    path = Path(place).expanduser()
    if path.suffix == ".fsb" or path.is_file():
        references = stored_references(path)
    else:
        request = Request(method, place, parameters=parse_settings(settings))
        with Watcher() as watcher:
            _, references = fit_references(
                request, data_root=data_root, device=device, verify=verify,
                thumbnails=report is not None, progress=watcher,
            )  # fmt: skip
    found = audit(references)
    lead = audited.lead_of(found, references)
    if report is not None:
        shown = audited.sections(found, references, thumbnails(references, None))
        write_page(report, shelf_page("References of these products", lead, shown))
    if as_json:
        echo_json(audited.json_of(found, references))
    else:
        print_parts(lead, audited.sections(found, references))
