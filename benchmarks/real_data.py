"""The records of ``results/`` on real data sets: run them all, then generate the table.

    FSBENCH_DATA=… python -m benchmarks.real_data

A record that is there already is made again: from the embedding cache that takes seconds.
"""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path

from benchmarks.teacher_student import everything
from fewshot_bench.cli.terminal import Watcher, say
from fewshot_bench.engine import Request, run
from fewshot_bench.report.leaderboard import percent

METHODS = ("pixels", "pretrained-proto", "pretrained-knn", "pretrained-lr")
DATASETS = ("grozi120:in-situ", "grocery-store:iconic", "grocery-store:natural")
SETTINGS: tuple[dict[str, int | str], ...] = (
    {"ways": 20, "shots": 1, "episodes": 600},
    {"ways": "all", "shots": 1},
)
RESULTS = Path("results")


def main() -> int:
    """Run every method, data set and setting; returns the exit status."""
    for dataset, setting, method in product(DATASETS, SETTINGS, METHODS):
        with Watcher() as watcher:
            request = Request(method=method, dataset=dataset, queries="all", **setting)  # type: ignore[arg-type]
            record, path = run(request, results=RESULTS, progress=watcher)
        say(f"{percent(record.accuracy.mean):>5} %  {method:<17} {path}")
    everything(RESULTS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
