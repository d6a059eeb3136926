"""Heads on frozen features over all data sets, by the records of ``benchmarks/suites/heads.toml``.

``python -m benchmarks.heads_table`` prints for each head the mean accuracy over data sets in percent, on balanced
queries and on unbalanced ones, and how many points the second is above the first. Data sets of 5 shots are those that
have as many references. ``--datasets`` prints the accuracies of each data set on balanced queries.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path
from statistics import mean

from fewshot_bench.suites.description import load
from fewshot_bench.suites.found import matched, records

SUITE = Path("benchmarks/suites/heads.toml")

Cell = tuple[str, str, int]
"""A method, a protocol and a number of shots."""


def accuracies(suite: Path) -> dict[Cell, dict[str, float]]:
    """Returns cell -> data set -> accuracy in percent, of the units that have a record."""
    asked = load(suite)
    units = asked.units()
    found = matched(records(asked.results), units)
    cells: dict[Cell, dict[str, float]] = defaultdict(dict)
    for unit in units:
        if (record := found.get(unit.key)) is not None:
            request = unit.request
            cell = request.method, request.protocol, int(request.shots or 1)
            cells[cell][request.dataset] = 100 * record.accuracy.mean
    return dict(cells)


def over_data_sets(cells: dict[Cell, dict[str, float]]) -> list[str]:
    """Returns the lines of the table of means, the best at one shot first; a head that lacks a data set is left out."""
    most = {shots: max(len(v) for (_, _, s), v in cells.items() if s == shots) for shots in (1, 5)}
    lines = [
        "| head | 1 shot | unbalanced | change | 5 shots | unbalanced | change |",
        "|---|---|---|---|---|---|---|",
    ]
    rows = []
    for method in sorted({method for method, _, _ in cells}):
        row = []
        for shots in (1, 5):
            pair = [cells.get((method, protocol, shots), {}) for protocol in ("fewshot", "unbalanced")]
            if any(len(part) < most[shots] for part in pair):
                break
            balanced, unbalanced = (mean(part.values()) for part in pair)
            row += [balanced, unbalanced, unbalanced - balanced]
        if len(row) == 6:
            rows.append((method, row))
    for method, row in sorted(rows, key=lambda found: -found[1][0]):
        shown = [f"{v:+.1f}" if place % 3 == 2 else f"{v:.1f}" for place, v in enumerate(row)]
        lines.append(f"| `{method}` | {' | '.join(shown)} |")
    return lines


def by_data_set(cells: dict[Cell, dict[str, float]], shots: int) -> list[str]:
    """Returns the lines of the table of one number of shots on balanced queries, a column a data set."""
    found = {
        method: row for (method, protocol, s), row in cells.items() if protocol == "fewshot" and s == shots
    }
    names = sorted({name for row in found.values() for name in row})
    lines = [f"| head, {shots}-shot | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for method, row in sorted(found.items(), key=lambda one: -mean(one[1].values())):
        shown = [f"{row[name]:.1f}" if name in row else "" for name in names]
        lines.append(f"| `{method}` | {' | '.join(shown)} |")
    return lines


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--datasets", action="store_true", help="a table of each number of shots")
    cells = accuracies(SUITE)
    lines = (
        [line for shots in (1, 5) for line in [*by_data_set(cells, shots), ""]]
        if parser.parse_args().datasets
        else over_data_sets(cells)
    )
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
