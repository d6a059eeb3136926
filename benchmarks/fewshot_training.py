"""Methods trained on episodes, on Omniglot and miniImageNet: one row a training, several records of each.

    FSBENCH_DATA=… OMP_NUM_THREADS=1 python -m benchmarks.fewshot_training           # all rows
    FSBENCH_DATA=… OMP_NUM_THREADS=1 python -m benchmarks.fewshot_training ROW …     # some of them

A training that was finished is found in the cache. Its parameters were chosen on validation classes alone.
Small networks on a busy machine are trained fastest by one thread, and with glibc where freed memory is kept:
MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=8000000000. The full table is made anew at the end.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.teacher_student import everything
from fewshot_bench.cli.terminal import Watcher, say
from fewshot_bench.engine import Request, run
from fewshot_bench.report.leaderboard import percent

RESULTS = Path("results")

Settings = tuple[tuple[str, int, int], ...]
"""What a training is evaluated on: (data set, ways, shots), 600 episodes and 15 queries a class each."""

OMNIGLOT: Settings = (
    ("omniglot:held-out", 5, 1),
    ("omniglot:held-out", 5, 5),
    ("omniglot:held-out", 20, 1),
    ("omniglot:held-out-rotations", 5, 1),
)
MINIIMAGENET: Settings = (("miniimagenet", 5, 1), ("miniimagenet", 5, 5))


@dataclass(frozen=True)
class Row:
    """One training (none where ``train_dataset`` is empty) and what it is evaluated on."""

    method: str
    settings: Settings
    train_dataset: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


ROWS: dict[str, Row] = {
    "pixels-omniglot": Row("pixels", OMNIGLOT),
    "pixels-miniimagenet": Row("pixels", MINIIMAGENET),
    "pretrained-miniimagenet": Row("pretrained-lr", MINIIMAGENET),
    "protonet-omniglot": Row(
        "protonet",
        OMNIGLOT,
        "omniglot:held-out-rotations",
        {"size": 28, "train_ways": 20, "queries": 5, "epochs": 20, "episodes": 100, "lr": 3e-3},
    ),
    "protonet-miniimagenet": Row(
        "protonet",
        MINIIMAGENET,
        "miniimagenet",
        {
            "backbone": "conv4-32",
            "pooling": "average",
            "size": 84,
            "augment": True,
            "train_ways": 20,
            "queries": 5,
            "epochs": 15,
            "episodes": 100,
            "lr": 3e-3,
        },
    ),
    "maml-omniglot": Row(
        "maml",
        OMNIGLOT,
        "omniglot:held-out-rotations",
        {
            "size": 28,
            "inner_lr": 0.1,
            "inner_steps": 2,
            "test_steps": 3,
            "meta_batch": 8,
            "lr": 3e-3,
            "average": 0.95,
            "epochs": 16,
            "iterations": 150,
        },
    ),
    "maml-miniimagenet": Row(
        "maml",
        MINIIMAGENET,
        "miniimagenet",
        {
            "inner_steps": 3,
            "test_steps": 5,
            "average": 0.95,
            "epochs": 16,
            "iterations": 100,
            "augment": True,
        },
    ),
}


def main(names: list[str]) -> int:
    """Run the rows of these names, all where there is none; returns the exit status."""
    if unknown := sorted(set(names) - ROWS.keys()):
        sys.exit(f"There is no row {unknown[0]!r}; there are {', '.join(ROWS)}.")
    for name in names or ROWS:
        row = ROWS[name]
        for dataset, ways, shots in row.settings:
            with Watcher() as watcher:
                training = {"train_dataset": row.train_dataset} if row.train_dataset else {}
                request = Request(
                    row.method, dataset, ways=ways, shots=shots, parameters=row.parameters, **training
                )
                record, path = run(request, results=RESULTS, device="cpu", progress=watcher)
            say(f"{percent(record.accuracy.mean):>5} %  {name:<22} {ways}-way {shots}-shot  {path}")
    everything(RESULTS)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
