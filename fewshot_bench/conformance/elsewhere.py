"""The same method in another process: ``python -m fewshot_bench.conformance.elsewhere FOLDER`` and its caller.

The folder holds ``request.json`` and ``tasks.npz``; the process adds ``found.npz``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.engine.given import Given
from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.errors import FsbenchError

if TYPE_CHECKING:
    from fewshot_bench.conformance.subject import Subject

LIMIT = 600
"""Seconds that the other process may take."""


def scores_elsewhere(subject: Subject) -> tuple[NDArray[Any] | None, NDArray[Any]]:
    """Returns vectors (None without an encoder) and scores that another process gives for a subject.

    Raises FsbenchError where that process fails.
    """
    with tempfile.TemporaryDirectory(prefix="fsbench-check-") as place:
        folder = Path(place)
        asked = {
            "request": {**asdict(replace(subject.request, given=Given())), "episodes_from": None},
            "device": subject.context.device,
            "cache": str(subject.context.cache),
            "data_root": None if subject.data_root is None else str(subject.data_root),
        }
        (folder / "request.json").write_text(json.dumps(asked), encoding="utf-8")
        tasks = subject.tasks
        np.savez(folder / "tasks.npz", support=tasks.support, query=tasks.query, rows=subject.rows)
        done = subprocess.run(
            [sys.executable, "-m", __name__, str(folder)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONHASHSEED": "7"},
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT,
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise FsbenchError(f"In another process it ends with exit status {done.returncode}: {last}")
        with np.load(folder / "found.npz") as found:
            return found.get("vectors"), found["scores"]


def answer(folder: Path) -> None:
    """Sets the method of a folder's request up and writes its vectors and scores there."""
    from fewshot_bench.conformance.run import subject_of
    from fewshot_bench.engine import Request

    asked = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    given = asked["request"]
    request = Request(**{**given, "unlabelled": tuple(given["unlabelled"]), "given": Given()})
    root = asked["data_root"] and Path(asked["data_root"])
    subject = subject_of(request, data_root=root, device=asked["device"], cache=Path(asked["cache"]))
    with np.load(folder / "tasks.npz") as kept:
        tasks = Tasks(kept["support"], kept["query"])
    found: dict[str, Any] = {"scores": subject.scores_of(tasks)}
    if subject.encoder is not None:
        found["vectors"] = subject.vectors(subject.encoder, subject.looked_at)
    np.savez(folder / "found.npz", **found)


if __name__ == "__main__":
    answer(Path(sys.argv[1]))
