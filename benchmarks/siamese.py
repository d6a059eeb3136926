"""Siamese networks against the backbone they start from: retrieval of classes that no part of training has seen.

    FSBENCH_DATA=… python -m benchmarks.siamese            # all rows on all settings
    FSBENCH_DATA=… python -m benchmarks.siamese fashion    # one part alone

``fashion``: trained on 29 article types of Kaggle Fashion, evaluated on 9 others. ``grocery``: trained on 58
products of Grocery Store, evaluated on the 11 of coarse classes that were held out whole, as a brand would be, and
on GroZi-120, another set of products, with one picture of each of 50 and of all 120. Parameters are the report's but
for those in ``SHORT``, which two cores can afford. A training that was finished is found in the cache. Paired
differences to the untrained backbone are printed, and the table is made anew. Perceptron and logistic regression
rank support pictures by their class, all of one class equally: their mAP is comparable with each other's alone.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmarks.teacher_student import everything
from fewshot_bench.cli.terminal import Watcher, say
from fewshot_bench.engine import Request, run
from fewshot_bench.report.comparison import compare_records

RESULTS = Path("results")
FASHION, GROCERY, GROZI = (
    "kaggle-fashion:article-held-out",
    "grocery-store:natural-held-out",
    "grozi120:in-situ",
)
PARTS: dict[str, tuple[str, tuple[dict[str, Any], ...]]] = {
    "fashion": (
        FASHION,
        (
            {"dataset": FASHION, "ways": "all", "shots": 5},
            {"dataset": FASHION, "ways": "all", "shots": 30, "drop_small": True},
        ),
    ),
    "grocery": (
        GROCERY,
        (
            {"dataset": GROCERY, "ways": "all", "shots": 5},
            {"dataset": GROCERY, "ways": "all", "shots": 16},
            {"dataset": GROZI, "ways": 50, "shots": 1, "episodes": 100},
            {"dataset": GROZI, "ways": "all", "shots": 1},
        ),
    ),
}
"""Of each part, what is trained on, and what is evaluated: N = 45 and 210; 55, 176, 50 and 120 pictures."""

SHORT = {"train_size": 128, "freeze": 0.5, "samples": 640, "epochs": 5}
UNTRAINED = "untrained-cosine"
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    UNTRAINED: ("pretrained-knn", {}),
    "untrained-euclidean": ("pretrained-knn", {"metric": "euclidean"}),
    "untrained-lr": ("pretrained-lr", {}),
    "contrastive": ("siamese-contrastive", SHORT),
    "contrastive-mlp": ("siamese-contrastive", {**SHORT, "head": "mlp"}),
    "triplet": ("siamese-triplet", SHORT),
    "triplet-mlp": ("siamese-triplet", {**SHORT, "head": "mlp"}),
}


def one(row: str, train_dataset: str, setting: dict[str, Any]) -> Any:
    """The record of a row on one setting."""
    method, parameters = ROWS[row]
    training: dict[str, Any] = {"train_dataset": train_dataset} if method.startswith("siamese") else {}
    request = Request(
        method, **setting, queries="all", protocol="retrieval", parameters=parameters, **training
    )
    with Watcher() as watcher:
        record, path = run(request, results=RESULTS, progress=watcher)
    assert record.map is not None
    say(f"{100 * record.accuracy.mean:.1f} %, mAP {100 * record.map.mean:.1f} %  {row:<20} {path}")
    return record


def main(names: list[str]) -> int:
    """Run the parts of these names, all where there is none; returns the exit status."""
    if unknown := sorted(set(names) - PARTS.keys()):
        sys.exit(f"There is no part {unknown[0]!r}; there are {', '.join(PARTS)}.")
    for name in names or PARTS:
        train_dataset, settings = PARTS[name]
        for setting in settings:
            untrained = one(UNTRAINED, train_dataset, setting)
            for row in ROWS:
                if row != UNTRAINED:
                    say(compare_records(one(row, train_dataset, setting), untrained).text())
    everything(RESULTS)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
