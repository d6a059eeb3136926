"""Teacher and student on GroZi-120, which no part of their training has seen: records, and an ablation.

FSBENCH_DATA=… python -m benchmarks.teacher_student            # the records in results/
    python -m benchmarks.teacher_student packshots   # the quick preset on drawn packages
FSBENCH_DATA=… python -m benchmarks.teacher_student ablation   # short trainings, in results/ablation/
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from fewshot_bench.cli.terminal import Watcher, say
from fewshot_bench.engine import Request, run
from fewshot_bench.files import write_atomic
from fewshot_bench.records import read_all
from fewshot_bench.report.leaderboard import percent, tables
from fewshot_bench.report.markdown import markdown

TRAINING: dict[str, Any] = {"train_dataset": "grocery-store:natural", "unlabelled": ("kaggle-fashion",)}
METHODS = ("pretrained-lr", "whitened-lr", "whitened-proto", "teacher-lr", "student-lr")
SHORT = {"teacher_epochs": 1, "student_epochs": 1, "steps": 40}
ABLATION: tuple[tuple[str, dict[str, Any]], ...] = (
    ("pretrained-lr", {}),
    ("pretrained-lr", {"pooling": "lca"}),
    ("whitened-lr", {}),
    ("teacher-lr", SHORT),
    ("teacher-lr", {**SHORT, "pooling": "average"}),
    ("teacher-lr", {**SHORT, "mining": 1.0}),
    ("teacher-lr", {**SHORT, "annotated": 1.0}),
    ("teacher-lr", {**SHORT, "annotated": 0.0}),
    ("student-lr", SHORT),
    ("student-lr", {**SHORT, "pseudolabels": 0.0}),
    ("student-lr", {**SHORT, "noise": False}),
)


def one(method: str, ways: int | str, parameters: dict[str, Any], results: Path) -> None:
    """One record on GroZi's in-situ crops."""
    training = {} if method.startswith("pretrained") else TRAINING
    with Watcher() as watcher:
        request = Request(
            method=method, dataset="grozi120:in-situ", ways=ways, shots=1, queries="all",  # type: ignore[arg-type]
            episodes=600 if ways == 20 else None, parameters=parameters, **training,
        )  # fmt: skip
        record, path = run(request, results=results, progress=watcher)
    say(f"{percent(record.accuracy.mean):>5} %  {method:<14} {parameters} {path}")


def table(results: Path, title: str, records: list[Path]) -> None:
    """Write ``README.md`` of a results folder."""
    text = markdown(tables(read_all(records)), title)
    write_atomic(results / "README.md", lambda stream: stream.write(text.encode()))


def main(arguments: list[str]) -> int:
    """The records on GroZi-120, those on packshots, or the ablation; returns the exit status."""
    results = Path("results")
    if arguments not in ([], ["packshots"], ["ablation"]):
        sys.exit(
            f"There is no part {' '.join(arguments)!r}; there are packshots and ablation, or none for GroZi-120."
        )
    if arguments == ["packshots"]:
        for method in ("pretrained-lr", "teacher-lr", "student-lr"):
            parameters = {} if method == "pretrained-lr" else {"preset": "quick"}
            request = Request(method, "packshots", ways=20, shots=1, queries="all", parameters=parameters)
            record, path = run(request, results=results)
            say(f"{percent(record.accuracy.mean):>5} %  {method:<14} {path}")
        everything(results)
        return 0
    if arguments == ["ablation"]:
        for method, parameters in ABLATION:
            one(method, 20, parameters, results / "ablation")
        table(results / "ablation", "Ablation: short trainings", [results / "ablation"])
        return 0
    for method in METHODS:
        for ways in (20, "all"):
            one(method, ways, {}, results)
    everything(results)
    return 0


def everything(results: Path) -> None:
    """The table of all records but the ablation's."""
    table(results, "Results", [p for p in sorted(results.iterdir()) if p.is_dir() and p.name != "ablation"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
