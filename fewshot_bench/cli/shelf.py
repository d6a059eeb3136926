"""Tables, pages and options of ``fsbench decide``, ``fsbench references`` and ``fsbench predict --report``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fewshot_bench.cli.output import echo, echo_json, say

if TYPE_CHECKING:
    from fewshot_bench.recogniser.references import References
    from fewshot_bench.shelf.findings import Findings
    from fewshot_bench.shelf.page import ThumbnailOf


def shelf_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that ``fsbench decide`` and ``fsbench references`` share: where, how, and what is written."""
    kind = click.Choice(["auto", "cpu", "cuda"])
    for option in (
        click.option("--report", type=click.Path(path_type=Path), metavar="FILE", help="Write a page as well."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        click.option(
            "--verify", is_flag=True, help="Read every file again instead of trusting sizes and dates."
        ),
        click.option(
            "--device", type=kind, default="auto", show_default=True,
            help="Where it runs; auto takes a GPU where there is one.",
        ),
        click.option("--data-root", type=click.Path(path_type=Path), help="Folder of data sets. [$FSBENCH_DATA]"),
    ):  # fmt: skip
        command = option(command)
    return command


def require_page(report: Path | None) -> None:
    """Raises UsageError where no page can be written, before any work is done."""
    from fewshot_bench.errors import UsageError

    if report is not None and (report.is_dir() or not report.expanduser().absolute().parent.is_dir()):
        raise UsageError(f"--report {report} must be a file in a folder that is there, such as out.html.")


def write_page(report: Path, document: str) -> None:
    """Writes a page, whole or not at all."""
    from fewshot_bench.files import write_atomic

    data = document.encode("utf-8", "backslashreplace")
    write_atomic(report.expanduser(), lambda out: out.write(data))
    say(f"Page: {report}")


def show_findings(found: Findings, report: Path | None, *, as_json: bool) -> None:
    """Writes the page where one is wanted, prints JSON or text, and says the notes."""
    from fewshot_bench.cli.terminal import table

    if report is not None:
        write_page(report, found.page())
    if as_json:
        echo_json(found.facts)
    else:
        for line in found.lead:
            echo(line)
        for part in found.parts:
            echo(f"\n{part.title}")
            for line in part.lines:
                echo(f"  {line}")
            if part.columns and part.rows:
                echo(table(list(part.columns), [list(row) for row in part.rows]))
    for note in found.notes:
        say(note)


def thumbnails(references: References | None, folder: Path | None) -> ThumbnailOf:
    """Returns what gives the thumbnail of a reference: those that a file keeps, or the pictures of a folder."""
    from fewshot_bench.recogniser.thumbnails import thumbnail_of
    from fewshot_bench.shelf.audited import thumbnails_of

    kept = thumbnails_of(references) if references is not None else {}
    made: dict[str, bytes] = {}

    def give(path: str) -> bytes:
        if path in kept or folder is None:
            return kept.get(path, b"")
        if path not in made:
            place = (folder / path).resolve()
            inside = place.is_relative_to(folder.resolve())
            made[path] = thumbnail_of(place) if inside else b""
        return made[path]

    return give
