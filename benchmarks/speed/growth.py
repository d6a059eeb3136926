"""How time and memory grow with episodes, ways and the gallery, each point in a process of its own.

    python -m benchmarks.speed.growth [--figure results/growth.svg]

Episodes: 5-way 1-shot with 75 queries, nearest mean, scored and ranked in the chunks of a run. Ways: one episode of 1
shot and 1 query a class, nearest mean. Gallery: 100 queries against so many support images of 100 classes, nearest
neighbour, beside faiss's exact index. One thread; seconds without the import of libraries; peak memory of the whole
process, of which the libraries take 0.24 GB.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from fewshot_bench.engine.scoring import Scored, chunk_size, score_chunk
from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.files import write_atomic
from fewshot_bench.heads.knn import KNearest
from fewshot_bench.heads.prototype import Prototype
from fewshot_bench.protocols import PROTOCOLS

AXES = {
    "episodes": (100, 1_000, 10_000, 100_000, 1_000_000),
    "ways": (5, 20, 100, 1_000, 10_000),
    "gallery": (1_000, 10_000, 100_000, 1_000_000),
    "gallery, faiss": (1_000, 10_000, 100_000, 1_000_000),
}
WIDTH, NARROW = 1280, 128
"""Numbers of an embedding: of episodes and ways, and of the gallery."""


def table(rows: int, width: int) -> NDArray[np.float32]:
    """Random embeddings."""
    return np.random.default_rng(0).standard_normal((rows, width), dtype=np.float32)


def scored(
    head: Prototype | KNearest, vectors: NDArray[np.float32], *, ranking: bool
) -> Callable[[Tasks], Scored]:
    """The solver of a run."""
    tensor = torch.from_numpy(vectors)

    def solve(tasks: Tasks) -> Scored:
        scores, diagnostics = head.scores(tensor, tasks)
        items = head.item_scores(tensor, tasks).numpy() if ranking and tasks.shots > 1 else None
        return Scored(scores.numpy(), items, diagnostics)

    return solve


def episodes(count: int) -> float:
    """Seconds of so many episodes, drawn and scored chunk by chunk; only the scoring counts."""
    solve, rng, took, done = (
        scored(Prototype(), table(2_400, WIDTH), ranking=True),
        np.random.default_rng(1),
        0.0,
        0,
    )
    labels = np.repeat(np.arange(5), 15)[None]
    size = chunk_size(Tasks(np.zeros((1, 5, 1), np.int64), np.zeros((1, 75), np.int64)))
    while done < count:
        part = min(size, count - done)
        rows = rng.integers(0, 20, (part, 80)) + 20 * np.repeat(
            rng.random((part, 120)).argsort(1)[:, :5], 16, axis=1
        )
        tasks = Tasks(rows[:, :5, None], rows[:, 5:])
        began = time.perf_counter()
        score_chunk(solve, tasks, np.repeat(labels, part, 0), "It", PROTOCOLS["fewshot"], transductive=False)
        took, done = took + time.perf_counter() - began, done + part
    return took


def ways(count: int) -> float:
    """Seconds of one episode of so many classes."""
    solve, rows = scored(Prototype(), table(2 * count, WIDTH), ranking=True), np.arange(2 * count)
    tasks = Tasks(rows[None, :count, None], rows[None, count:])
    began = time.perf_counter()
    score_chunk(solve, tasks, np.arange(count)[None], "It", PROTOCOLS["fewshot"], transductive=False)
    return time.perf_counter() - began


def gallery(count: int) -> float:
    """Seconds of 100 queries against so many support images."""
    solve, rows = scored(KNearest(1), table(count + 100, NARROW), ranking=False), np.arange(count + 100)
    tasks = Tasks(rows[None, :count].reshape(1, 100, -1), rows[None, count:])
    began = time.perf_counter()
    solve(tasks)
    return time.perf_counter() - began


def by_faiss(count: int) -> float:
    """The same by faiss; building its index counts."""
    import faiss

    faiss.omp_set_num_threads(1)
    vectors = table(count + 100, NARROW)
    began = time.perf_counter()
    index = faiss.IndexFlatL2(NARROW)
    index.add(vectors[:count])
    index.search(vectors[count:], 1)
    return time.perf_counter() - began


WORK = {"episodes": episodes, "ways": ways, "gallery": gallery, "gallery, faiss": by_faiss}


def point(axis: str, count: int) -> dict[str, float]:
    """Seconds and peak megabytes of one point; called in its own process."""
    torch.set_num_threads(1)
    return {"seconds": WORK[axis](count), "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def measured(axis: str, count: int) -> dict[str, float]:
    """The same, from a new process."""
    words = [sys.executable, "-m", "benchmarks.speed.growth", "--point", axis, str(count)]
    found: dict[str, float] = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
    return found


def figure(found: dict[str, dict[int, dict[str, float]]]) -> str:
    """Time and memory against each axis, both logarithmic."""
    import io

    from matplotlib import rc_context
    from matplotlib.figure import Figure

    from fewshot_bench.report.page.plots import RC

    with rc_context(
        {**RC, "text.parse_math": True, "figure.facecolor": "white", "savefig.facecolor": "white"}
    ):
        canvas = Figure(figsize=(9.6, 5.2), layout="tight")
        axes = canvas.subplots(2, 3)
        for name, points in found.items():
            column = (
                list(found).index(name)
                if "," not in name
                else list(found).index(name.split(",", maxsplit=1)[0])
            )
            for row, key in enumerate(("seconds", "mb")):
                panel, style = axes[row][column], "--" if "," in name else "-"
                values = [one[key] / (1024 if key == "mb" else 1) for one in points.values()]
                panel.plot(list(points), values, style, marker="o", markersize=3, label=name)
                panel.set_xscale("log")
                panel.set_yscale("log")
                panel.set_xlabel("support images" if column == 2 else name)
                if key == "mb":
                    panel.set_ylim(0.2, 2.4)
                    panel.set_yticks((0.25, 0.5, 1, 2), ("0.25", "0.5", "1", "2"), minor=False)
                    panel.set_yticks((), minor=True)
                panel.set_ylabel("" if column else ("seconds" if row == 0 else "peak memory, GB"))
        axes[0][2].legend(["ours", "faiss"], frameon=False, fontsize=8)
        stream = io.StringIO()
        canvas.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()


def main() -> None:
    """Prints a table and draws the figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--point", nargs=2)
    chosen = parser.parse_args()
    if chosen.point:
        print(json.dumps(point(chosen.point[0], int(chosen.point[1]))))
        return
    print("| | number | seconds | peak memory, GB |\n|---|---|---|---|")
    found: dict[str, dict[int, dict[str, float]]] = {}
    for axis, counts in AXES.items():
        for count in counts:
            one = found.setdefault(axis, {})[count] = measured(axis, count)
            print(f"| {axis} | {count:,} | {one['seconds']:.3g} | {one['mb'] / 1024:.2f} |", flush=True)
    if chosen.figure:
        text = figure(found)
        write_atomic(chosen.figure, lambda stream: stream.write(text.encode()))


if __name__ == "__main__":
    main()
