"""Fashion Product Images at three levels of labels, as conventional classification: records, and the report's figures.

FSBENCH_DATA=… python -m benchmarks.fashion            # all records, then results/README.md
    python -m benchmarks.fashion finetune-whole article   # some methods, at some levels
"""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.teacher_student import everything
from fewshot_bench.cli.terminal import Watcher, say
from fewshot_bench.engine import Request, run
from fewshot_bench.report.leaderboard import percent

HEAD = {"tune": "head", "epochs": 40, "least_steps": 400, "lr": 1e-3}
WHOLE = {"size": 160, "epochs": 4}
"""Fine-tuning the last layer takes seconds; the whole network half an hour a level on two busy cores."""

ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "hog-knn": ("hog-knn", {}),
    "hog-mlp": ("hog-mlp", {}),
    "pretrained-lr": ("pretrained-lr", {}),
    "finetune-head": ("finetune", HEAD),
    "ensemble-head": ("ensemble", HEAD),
    "finetune-whole": ("finetune", WHOLE),
}
LEVELS = ("article", "sub", "master")
RESULTS = Path("results")


def main(words: list[str]) -> int:
    """Run the rows and levels that ``words`` name, all where they name none; returns the exit status."""
    if unknown := [word for word in words if word not in (*ROWS, *LEVELS)]:
        sys.exit(f"There is no row or level {unknown[0]!r}; there are {', '.join((*ROWS, *LEVELS))}.")
    levels = [level for level in LEVELS if level in words] or LEVELS
    for level, name in product(levels, [row for row in ROWS if row in words] or ROWS):
        method, parameters = ROWS[name]
        with Watcher() as watcher:
            request = Request(
                method, f"kaggle-fashion:{level}", protocol="classification", parameters=parameters
            )
            record, path = run(request, results=RESULTS, progress=watcher)
        say(f"{percent(record.accuracy.mean):>5} %  {level:<8} {name:<14} {path}")
    everything(RESULTS)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
