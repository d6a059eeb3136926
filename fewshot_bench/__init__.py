"""fewshot_bench: few-shot image recognition, measured.

    import fewshot_bench as fb

    record = fb.run("pretrained-lr", "packshots", ways=20, shots=1)
    record.accuracy.mean, record.accuracy.class_interval

Everything that the command ``fsbench`` does is a function here first.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fewshot_bench.errors import FsbenchError, UsageError
    from fewshot_bench.functions import check, compare, dataset, leaderboard, predict, run, sample
    from fewshot_bench.records import Record

HOME = {
    "FsbenchError": "errors",
    "Record": "records",
    "UsageError": "errors",
    "check": "functions",
    "compare": "functions",
    "dataset": "functions",
    "leaderboard": "functions",
    "predict": "functions",
    "run": "functions",
    "sample": "functions",
}

__all__ = [
    "FsbenchError",
    "Record",
    "UsageError",
    "check",
    "compare",
    "dataset",
    "leaderboard",
    "predict",
    "run",
    "sample",
]


def __getattr__(name: str) -> Any:
    if name not in HOME:
        raise AttributeError(f"fewshot_bench has no {name!r}; it has {', '.join(sorted(HOME))}")
    return getattr(importlib.import_module(f"fewshot_bench.{HOME[name]}"), name)
