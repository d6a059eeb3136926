"""Gathering: the records that words of a command line name, and the tables that they share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fewshot_bench.cli.output import say
from fewshot_bench.errors import FsbenchError, UsageError

if TYPE_CHECKING:
    from fewshot_bench.records import Record
    from fewshot_bench.report.leaderboard import Table


def sound(places: Sequence[Path]) -> list[Record]:
    """Returns the records at ``places`` that a table may show, as ``sifted``."""
    return sifted(places)[0]


def sifted(places: Sequence[Path]) -> tuple[list[Record], bool]:
    """Returns the records at ``places`` that a table may show, and whether others were left out, named on stderr.

    Raises FsbenchError where none is left, and UsageError where there is no record at all.
    """
    from fewshot_bench.cli.terminal import Watcher
    from fewshot_bench.report.sound import read_tables

    with Watcher() as watcher:
        records, refused = read_tables(list(places), watcher)
    for sentence in refused:
        say(f"Left out: {sentence}")
    named = ", ".join(map(str, places))
    if refused and not records:
        if len(refused) == 1:
            raise FsbenchError(refused[0])
        raise FsbenchError(f"None of the {len(refused)} files at {named} is a sound record.")
    if not records:
        raise UsageError(f"There is no record at {named}; `fsbench run` makes one.")
    return records, bool(refused)


def named(words: Sequence[str], results: Path) -> list[list[Record]]:
    """Returns the records of each word: a file or folder of records, or a method with records in ``results``."""
    found = []
    everything: list[Record] | None = None
    for word in words:
        place = Path(word)
        if place.suffix or "/" in word or place.exists():
            found.append(sound([place]))
            continue
        if everything is None:
            everything = sound([results]) if results.exists() else []
        chosen = [record for record in everything if record.method == word]
        if not chosen:
            held = sorted({record.method for record in everything})
            there = f"it has records of {', '.join(held)}" if held else "it has none"
            raise UsageError(
                f"There is no file {word!r}, and no record of a method of that name in {results}: {there}."
            )
        found.append(chosen)
    return found


def shared_tables(groups: Sequence[Sequence[Record]]) -> list[Table]:
    """Returns the tables in which a record of every group stands, with the records of the groups alone."""
    from fewshot_bench.report.leaderboard import tables

    keys = [{(record.protocol, record.episodes_sha256) for record in group} for group in groups]
    common = set.intersection(*keys) if len(keys) > 1 else keys[0]
    kept = [
        record for group in groups for record in group if (record.protocol, record.episodes_sha256) in common
    ]
    return [table for table in tables(list(dict.fromkeys(kept))) if len(table.standings) > 1]


def apart(groups: Sequence[Sequence[Record]], words: Sequence[str]) -> str:
    """Returns why groups of records share no table, in a sentence."""
    parts = []
    for word, group in list(zip(words, groups, strict=True))[:4]:
        first = group[0]
        parts.append(
            f"{word} is of the episodes {first.episodes_sha256[:12]} of {first.dataset} ({first.protocol})"
        )
    each = "; ".join(parts)
    return f"Not comparable, because no set of episodes has a record of each: {each}; run them on the same episodes."
