"""Fashion Product Images at three levels of labels, as conventional classification: records, and the report's figures.

FSBENCH_DATA=… python -m benchmarks.fashion            # all records, then results/README.md
    python -m benchmarks.fashion ensemble   # one method alone
"""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path

from benchmarks.teacher_student import everything
from fewshot_bench.cli.terminal import Watcher, say
from fewshot_bench.engine import Request, run
from fewshot_bench.report.leaderboard import percent

METHODS = ("hog-knn", "hog-mlp", "pretrained-lr", "finetune", "ensemble")
LEVELS = ("article", "sub", "master")
RESULTS = Path("results")


def main(methods: list[str]) -> int:
    """Run every method at every level; returns the exit status."""
    for level, method in product(LEVELS, methods or METHODS):
        with Watcher() as watcher:
            request = Request(method, f"kaggle-fashion:{level}", protocol="classification")
            record, path = run(request, results=RESULTS, progress=watcher)
        say(f"{percent(record.accuracy.mean):>5} %  {level:<8} {method:<14} {path}")
    everything(RESULTS)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
