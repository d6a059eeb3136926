"""``fsbench products``: products added to a fitted recogniser, removed from it, renamed in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fewshot_bench.cli.output import echo, say

if TYPE_CHECKING:
    from fewshot_bench.recogniser.changes import Change
    from fewshot_bench.recogniser.fitted import Recogniser

FILE = click.argument("file", type=click.Path(path_type=Path), metavar="FILE")


@click.group("products")
def command() -> None:
    """Add, remove or rename products of a fitted recogniser; its file is the old one or the new one at any time."""


@command.command("add")
@FILE
@click.argument("name", metavar="NAME")
@click.argument("pictures", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PICTURES…")
@click.option("--dry-run", is_flag=True, help="Say which products lose by it, and write nothing.")
def add(file: Path, name: str, pictures: tuple[Path, ...], dry_run: bool) -> None:
    """Add PICTURES (files and folders) to the product NAME of the recogniser FILE, and say which products lose.

    \b
    Example:
      fsbench products add shop.fsb "mint tea" ~/new/mint*.jpg
    """

    def work(recogniser: Recogniser) -> str:
        changed = recogniser.add(name, list(pictures))
        return f"{name!r} has {recogniser.counts[name]} references. {told(changed)}"

    changed(file, work, write=not dry_run)


@command.command("remove")
@FILE
@click.argument("name", metavar="NAME")
def remove(file: Path, name: str) -> None:
    """Remove the product NAME from the recogniser FILE.

    \b
    Example:
      fsbench products remove shop.fsb "mint tea"
    """
    changed(file, lambda recogniser: f"{name!r} is removed. {told(recogniser.remove(name))}")


@command.command("rename")
@FILE
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
def rename(file: Path, old: str, new: str) -> None:
    """Rename the product OLD of the recogniser FILE to NEW.

    \b
    Example:
      fsbench products rename shop.fsb "mint tea" "peppermint tea"
    """

    def work(recogniser: Recogniser) -> str:
        recogniser.rename(old, new)
        return f"{old!r} is now {new!r}."

    changed(file, work)


def changed(file: Path, work: Callable[[Recogniser], str], *, write: bool = True) -> None:
    """Loads a recogniser, changes it, writes it and prints what was done."""
    from fewshot_bench.recogniser.making import load_recogniser

    recogniser = load_recogniser(file.expanduser())
    sentence = work(recogniser)
    if write:
        recogniser.save(file)
    echo(sentence)
    echo(f"{file}: {len(recogniser.class_names)} products, {len(recogniser.references)} references.")
    if not write:
        say("Nothing was written: leave --dry-run out to keep it.")


def told(changes: Sequence[Change]) -> str:
    """Returns which products lose and which gain, a line each."""
    lost = [change for change in changes if change.loses]
    gained = [change for change in changes if not change.loses]
    if not changes:
        return "No other product loses or gains by it."
    lines = [f"Products that lose by it: {len(lost) or 'none'}.", *(f"  {change}" for change in lost)]
    if gained:
        lines += [f"Products that gain by it: {len(gained)}.", *(f"  {change}" for change in gained)]
    return "\n".join(lines)
