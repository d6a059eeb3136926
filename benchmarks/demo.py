"""The first run, from nothing: a student is trained and measured beside three baselines on drawn packages.

    make demo

or, where the packages are installed already: ``python -m benchmarks.demo``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fewshot_bench.cli.terminal import Watcher, say, table
from fewshot_bench.engine import Request, run
from fewshot_bench.files import write_atomic
from fewshot_bench.report.leaderboard import cells, columns_of, tables
from fewshot_bench.report.page import page

METHODS: tuple[tuple[str, dict[str, str]], ...] = (
    ("pixels", {}),
    ("pretrained-proto", {}),
    ("pretrained-lr", {}),
    ("student-lr", {"preset": "quick", "teacher_epochs": "1", "student_epochs": "1"}),
)
FOLDER = Path("demo")


def main() -> int:
    """Run every method on the same episodes and write the page; returns the exit status."""
    records = []
    for method, parameters in METHODS:
        say(f"{method} on packshots, 20-way 1-shot …")
        with Watcher() as watcher:
            request = Request(
                method=method, dataset="packshots", ways=20, shots=1, queries="all", parameters=parameters
            )
            record, _ = run(request, results=FOLDER / "results", progress=watcher)
        records.append(record)
    made = tables(records)
    body = [cells(row) for row in made[0].standings]
    columns = columns_of(body)
    print(table(columns, [[c.get(key, "") for key in columns] for c in body], title=made[0].title))
    target = FOLDER / "leaderboard.html"
    write_atomic(target, lambda stream: stream.write(page(made, "Demo: packages on a shelf").encode()))
    print(f"\nLeaderboard page: {target.resolve()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
