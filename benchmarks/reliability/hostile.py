"""Hostile input, tried by hypothesis: whatever a file or an option says, the outcome is a result or a sentence.

    python -m benchmarks.reliability.hostile [--tries 2000] [--only NAME] [--seed 0]

``--tries`` is the number of inputs of each family. The exit status is 1 where an input gave an exception that is no
sentence, an exit status other than 0, 1 and 2, a file half written, or a raw control character on a stream.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis

from benchmarks.reliability.hostile_options import options_family
from benchmarks.reliability.hostile_records import manifest_family, record_family
from benchmarks.reliability.hostile_tables import csv_family, picture_family, settings_family, styles_family
from benchmarks.reliability.trying import (
    Family,
    command,
)
from benchmarks.reliability.world import Row, shop

MAKERS = (
    record_family, manifest_family, csv_family, styles_family, settings_family, picture_family, options_family,
)  # fmt: skip
NAMES = ("record", "manifest", "CSV data set", "styles.csv", "--set", "picture", "option")


def world(place: Path) -> None:
    """Makes sound files: pictures, a record, a manifest, and a pipe that nobody writes to."""
    os.environ["FSBENCH_CACHE"] = str(place / "cache")
    shop(place / "shop")
    few = ("--dataset", place / "shop", "--ways", 2, "--queries", 1, "--episodes", 3)
    run = command(place, *map(str, ("run", "--method", "pixels", *few, "--results", place / "results")))
    drawn = command(place, *map(str, ("episodes", "export", place / "sound.npz", *few)))
    if (run, drawn) != ("equal", "equal"):
        raise SystemExit(f"The sound files could not be made: {run}; {drawn}")
    os.mkfifo(place / "pipe")


def tried(family: Family, tries: int, seed: int) -> Row:
    """Returns what came of ``tries`` inputs of a family."""
    row = Row(f"hostile {family.name}")

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=tries, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],
    )  # fmt: skip
    @hypothesis.given(family.strategy)
    def trial(made: Any) -> None:
        row.tries += 1
        with tempfile.TemporaryDirectory(prefix="fsbench-hostile-") as folder:
            outcome = family.attempt(Path(folder), made)
        row.count(outcome, repr(made)[:300])

    trial()
    return row


def hostile(place: Path, tries: int, seed: int = 0, only: tuple[str, ...] = ()) -> Iterator[Row]:
    """Yields a row for each family of inputs; ``only`` names some of them."""
    world(place)
    for name, make in zip(NAMES, MAKERS, strict=True):
        if not only or name in only:
            yield tried(make(place), tries, seed)


def main(arguments: list[str] | None = None) -> int:
    """Tries all families and prints what came of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tries", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", choices=NAMES, default=[])
    chosen = parser.parse_args(arguments)
    bad = 0
    with tempfile.TemporaryDirectory(prefix="fsbench-hostile-world-") as place:
        for row in hostile(Path(place), chosen.tries, chosen.seed, tuple(chosen.only)):
            print(f"{row.fault}: {row.tries:,} tries, {row.equal:,} results, {row.refused:,} sentences, "
                  f"{len(row.lost):,} others", flush=True)  # fmt: skip
            for finding in row.lost[:20]:
                print(f"  {finding}", flush=True)
            bad += len(row.lost)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
