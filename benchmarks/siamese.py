"""Siamese networks against the backbone they start from: retrieval of classes that no part of training has seen.

    FSBENCH_DATA=… python -m benchmarks.siamese           # all rows
    FSBENCH_DATA=… python -m benchmarks.siamese triplet   # some of them

Trained on 29 article types of Kaggle Fashion, selected on 9 others; evaluated on the 9 that remain, with support
sets of 45 and of 210 pictures, and on products of GroZi-120, another domain, with one picture of each of 50 and
of all 120. A training that was finished is found in the cache; its parameters were chosen on the 9 validation
types alone. Paired differences to the untrained backbone are printed, and the table is made anew.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmarks.teacher_student import everything
from fewshot_bench.cli.terminal import Watcher, say
from fewshot_bench.engine import Request, run
from fewshot_bench.errors import UsageError
from fewshot_bench.report.comparison import compare_records

RESULTS = Path("results")
TRAIN = "kaggle-fashion:article-held-out"
SETTINGS: tuple[dict[str, Any], ...] = (
    {"dataset": TRAIN, "ways": "all", "shots": 5},
    {"dataset": TRAIN, "ways": "all", "shots": 30, "drop_small": True},
    {"dataset": "grozi120:in-situ", "ways": 50, "shots": 1, "episodes": 100},
    {"dataset": "grozi120:in-situ", "ways": "all", "shots": 1},
)
TRAINING = {"train_size": 128, "freeze": 0.5, "samples": 640, "epochs": 5}
UNTRAINED = "untrained-cosine"
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    UNTRAINED: ("pretrained-knn", {}),
    "untrained-euclidean": ("pretrained-knn", {"metric": "euclidean"}),
    "contrastive": ("siamese-contrastive", TRAINING),
    "contrastive-mlp": ("siamese-contrastive", {**TRAINING, "head": "mlp"}),
    "triplet": ("siamese-triplet", TRAINING),
    "triplet-mlp": ("siamese-triplet", {**TRAINING, "head": "mlp"}),
}


def main(names: list[str]) -> int:
    """Run the rows of these names, all where there is none; returns the exit status."""
    if unknown := sorted(set(names) - ROWS.keys()):
        raise UsageError(f"There is no row {unknown[0]!r}; there are {', '.join(ROWS)}.")
    for setting in SETTINGS:
        first = None
        for name in dict.fromkeys((UNTRAINED, *(names or ROWS))):
            method, parameters = ROWS[name]
            training = {"train_dataset": TRAIN} if method.startswith("siamese") else {}
            request = Request(
                method, **setting, queries="all", protocol="retrieval", parameters=parameters, **training
            )
            with Watcher() as watcher:
                record, path = run(request, results=RESULTS, progress=watcher)
            first = first or record
            assert record.map is not None
            say(
                f"{100 * record.accuracy.mean:.1f} %, mAP {100 * record.map.mean:.1f} %  {name:<20} {path}\n"
                + (compare_records(record, first).text() if record is not first else "")
            )
    everything(RESULTS)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
