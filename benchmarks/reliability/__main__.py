"""Faults, each really done, and what became of the results: a table.

    python -m benchmarks.reliability [--kills 200] [--flips 20] [--only NAME] [--seed 0] [--output FILE]

A run is a tiny one (60 episodes of drawn pictures, raw pixels), a training a tiny prototypical network on
scikit-learn's digits. Processes are forked from one that has loaded everything, so that a kill falls into the work
and not into imports.
The exit status is 1 where a result was lost or silently wrong.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(
        name, "1"
    )  # before numpy and torch: a process with threads of theirs cannot be forked

from benchmarks.reliability import company, damage, disk, hostile, kills  # noqa: E402
from benchmarks.reliability.world import RUNS, Row, settings  # noqa: E402

Family = Callable[[Path], Iterator[Row]]


def families(kill: int, flips: int, seed: int, tries: int = 1500) -> dict[str, Family]:
    """Returns the families of faults by name; each makes its rows in an empty folder."""

    def both(make: Callable[[Path, str], Iterator[Row]]) -> Family:
        return lambda place: (row for kind in ("run", "training") for row in make(place, kind))

    few = max(1, flips // 4)
    return {
        "kills": both(lambda place, kind: kills.kills(place, kind, kill // 2, seed)),
        "sigterm": lambda place: kills.terminations(place, max(2, flips), seed),
        "full": lambda place: disk.full(place, 1 if flips >= 20 else 8),
        "read-only": disk.read_only,
        "together": both(lambda place, kind: company.together(place, kind, few)),
        "prune": both(lambda place, kind: company.pruned(place, kind, 2 * few, seed)),
        "clock": both(company.clock_back),
        "caches": both(lambda place, kind: damage.caches(place, kind, flips, seed)),
        "records": lambda place: damage.records(place, 20 * flips, seed),
        "hostile": lambda place: hostile.hostile(place, tries, seed),
    }


def loaded() -> None:
    """Imports what runs import, so that forked processes need not."""
    import torch

    from fewshot_bench.contract import registry
    from fewshot_bench.identity import core_digest, source_digest

    torch.set_num_threads(1)
    core_digest()
    for run in RUNS.values():
        source_digest(registry.load(registry.METHODS, run["method"]))
    for module in (
        "sklearn.datasets",
        "fsbench_baselines.pixels",
        "fsbench_protonet.protonet",
        "safetensors.torch",
    ):
        importlib.import_module(module)


def table(rows: list[Row]) -> str:
    """Returns the rows as a Markdown table with a last line of sums."""
    lines = ["| fault | tries | equal in the end | refused in a sentence | lost | silently wrong |"]
    lines += ["|---|---:|---:|---:|---:|---:|"]
    for row in rows:
        counts = (row.tries, row.equal, row.refused, len(row.lost), len(row.wrong))
        lines.append(f"| {row.fault} | {' | '.join(f'{count:,}' for count in counts)} |")
    sums = [
        sum(counts)
        for counts in zip(
            *((r.tries, r.equal, r.refused, len(r.lost), len(r.wrong)) for r in rows), strict=True
        )
    ]
    return "\n".join([*lines, f"| **all** | {' | '.join(f'**{count:,}**' for count in sums)} |"])


def main(arguments: list[str] | None = None) -> int:
    """Does the faults and writes the table; returns 1 where a result was lost or wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--flips", type=int, default=20, help="bits flipped in a file of each kind")
    parser.add_argument("--tries", type=int, default=1500, help="hostile inputs of each of seven kinds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", help="a family of faults; may be given several times")
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args(arguments)
    settings()
    loaded()
    rows: list[Row] = []
    for name, family in families(chosen.kills, chosen.flips, chosen.seed, chosen.tries).items():
        if chosen.only and name not in chosen.only:
            continue
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="fsbench-reliability-") as place:
            rows += family(Path(place))
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    for row in rows:
        for finding in (*row.lost, *row.wrong):
            print(f"{row.fault}: {finding}", file=sys.stderr)
        for sentence in sorted(row.sentences)[:10]:
            print(f"{row.fault}: refused: {sentence}", file=sys.stderr)
    text = PAGE.format(
        table=table(rows), kills=chosen.kills, flips=chosen.flips, tries=chosen.tries, seed=chosen.seed
    )
    print(text)
    if chosen.output is not None:
        chosen.output.write_text(text, encoding="utf-8")
    return 1 if any(row.lost or row.wrong for row in rows) else 0


PAGE = """# Reliability: faults, each really done

Made by

    python -m benchmarks.reliability --kills {kills} --flips {flips} --tries {tries} --seed {seed} \\
        --output results/reliability.md

A run is 60 episodes of 40 drawn pictures with raw pixels, a training a tiny prototypical network on scikit-learn's
digits and the same episodes with it. *Equal* is a record that has the scores, the arrays and all else of an
undisturbed one, times aside. *Refused* is a sentence with which a command ended; where the fault then goes away, the
same command is run again and counts as equal or not. *Lost* is a result that the same command does not give, or an
error that is no sentence. *Silently wrong* is another result. A world is killed several times before its run is let
finish, so that there are fewer results than kills. `--only` does one family of faults. Of hostile input (records,
manifests, tables, settings, options and pictures made by hypothesis), *equal* is any result, and *lost* an outcome
that is no sentence.

{table}
"""

if __name__ == "__main__":
    sys.exit(main())
