"""Trainings of a few minutes each: teacher, student, prototypical network and MAML, each leaving a record."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fewshot_bench.engine import Request, run
from fewshot_bench.records import Record
from fewshot_bench.report.scores import percent

MINUTES: dict[str, dict[str, Any]] = {
    "teacher-lr": {},
    "student-lr": {},
    "protonet": {"epochs": 10},
    "maml": {"epochs": 2},
}
"""Parameters of trainings that take a few minutes on a GPU, on packshots."""

SECONDS: dict[str, dict[str, Any]] = {
    "teacher-lr": {"size": 32, "batch": 4, "teacher_epochs": 1, "steps": 1},
    "student-lr": {
        "size": 32, "batch": 4, "teacher_epochs": 1, "student_epochs": 1, "steps": 1,
    },
    "protonet": {"size": 16, "epochs": 1, "episodes": 2, "train_ways": 3, "queries": 1},
    "maml": {"size": 16, "channels": 4, "epochs": 1, "iterations": 1, "meta_batch": 1, "train_ways": 3,
             "queries": 1, "validation": 2},
}  # fmt: skip
"""Parameters of trainings that take seconds on a CPU, on a folder of noise."""

HEAD = ["| training | record | seconds | pictures a second | accuracy |", "|---|---|---|---|---|"]


def noise(place: Path, seed: int) -> str:
    """Writes ten classes of eight pictures of noise, and returns their folder."""
    rng = np.random.default_rng(seed)
    for number in range(80):
        path = place / f"class-{number % 10}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(path)
    return str(place)


def trainings(device: str, results: Path, *, small: bool) -> list[str]:
    """Trains each method, keeps its record below ``results``, and returns the lines of a table."""
    lines = [*HEAD]
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory())) if small else Path()
        base, dataset = (
            (noise(place / "a", 0), noise(place / "b", 1)) if small else ("packshots", "packshots")
        )
        for method, parameters in (SECONDS if small else MINUTES).items():
            request = Request(
                method=method,
                dataset=dataset,
                train_dataset=base,
                episodes=20 if small else 600,
                parameters=parameters,
            )  # fmt: skip
            record, path = run(request, device=device, results=results)
            lines.append(row(record, path))
    return [*lines, ""]


def row(record: Record, path: Path | None) -> str:
    """Returns the line of a training: the sum of the seconds of its parts, and the rate of the last."""
    timings = record.data["training"]["timings"].values()
    seconds = sum(float(one["seconds"]) for one in timings)
    rates = [rate for one in timings for rate in one.get("images/s", [])]
    columns = [
        record.method,
        "" if path is None else path.name,
        f"{seconds:,.0f}",
        f"{rates[-1]:,.0f}" if rates else "",
        f"{percent(record.accuracy.mean)} %",
    ]
    return f"| {' | '.join(columns)} |"
