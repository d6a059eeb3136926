"""Scoring: chunks of episodes become predictions and average precisions; finished chunks survive a kill."""

from __future__ import annotations

import hashlib
import shutil
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.errors import FsbenchError
from fewshot_bench.files import write_atomic
from fewshot_bench.metrics import average_precision, class_score_ap, mean_precision_recall, predictions
from fewshot_bench.progress import Progress

CHUNK_ELEMENTS = 8_000_000
"""Scores (queries × ways, or × support images) of one chunk: 64 MB in float64. Part of no result."""

QUERY_ELEMENTS = 16_000_000
"""The same of one episode: of one with more, so many queries are scored at once as stay below. It has to be solved
for each such part, so that the bound is wider."""

FLUSH_SECONDS = 10.0


class Measures(NamedTuple):
    """What is worked out beside the predictions: AP of each query's ranking, and their mean curve."""

    ranking: bool
    curve: bool


MEASURES = {
    "fewshot": Measures(ranking=True, curve=False),
    "oneshot-all": Measures(ranking=True, curve=False),
    "retrieval": Measures(ranking=True, curve=True),
    "classification": Measures(ranking=False, curve=False),
}
"""Of each protocol. In classification the support is the train set: ranking it is not what is asked."""


class Scored(NamedTuple):
    """What a method gives for a batch: scores of classes [E, Q, N], of support images [E, Q, N·K] or None."""

    scores: NDArray[Any]
    items: NDArray[Any] | None
    diagnostics: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Outcome:
    """All episodes' ``prediction [E, Q]``, ``ap [E, Q]``, a digest of the score bytes, and diagnostics.

    ``ap`` is None where nothing is ranked, ``curve`` (precision [101] at equal steps of recall) where it is not
    asked for.
    """

    prediction: NDArray[np.int32]
    ap: NDArray[np.float64] | None
    scores_sha256: str
    diagnostics: dict[str, Any]
    curve: NDArray[np.float64] | None = None


def chunk_size(tasks: Tasks, most: int | None = None) -> int:
    """Episodes scored at once: a constant of the shapes, so that the same command gives the same chunks."""
    elements = int(tasks.query.shape[1]) * tasks.ways * tasks.shots
    size = max(1, CHUNK_ELEMENTS // max(1, elements))
    return size if most is None else min(size, most)


def check_scores(tasks: Tasks, scores: NDArray[Any], where: str) -> None:
    """Raise FsbenchError, naming ``where`` they come from, for scores of another shape or with NaN in them."""
    expected = (*tasks.query.shape, tasks.ways)
    if scores.shape != expected:
        raise FsbenchError(
            f"{where} returned scores of shape {scores.shape} and [episodes, queries, ways] = "
            f"{expected} was expected; this is a bug of the method."
        )
    if np.isnan(scores[tasks.query >= 0]).any():
        raise FsbenchError(
            f"{where} returned NaN among its scores; this is a bug of the method or its weights."
        )


def evaluate(
    tasks: Tasks, labels: NDArray[np.int64], result: Scored, where: str, measures: Measures
) -> dict[str, NDArray[Any]]:
    """Predictions and APs of one chunk; FsbenchError when the method broke its contract (shape, NaN)."""
    check_scores(tasks, result.scores, where)
    valid = labels >= 0
    found: dict[str, NDArray[Any]] = {}
    if measures.ranking and result.items is None and not measures.curve:
        found["ap"] = class_score_ap(result.scores, labels, (tasks.support >= 0).sum(axis=2))
    elif measures.ranking:
        ways, shots = tasks.ways, tasks.shots
        items = np.repeat(result.scores, shots, axis=2) if result.items is None else result.items
        present = (tasks.support >= 0).reshape(len(tasks), 1, ways * shots)
        relevant = (np.arange(ways * shots) // shots)[None, None, :] == labels[:, :, None]
        items, relevant = np.where(present, items, -np.inf)[valid], (relevant & present)[valid]
        found["ap"] = np.full(labels.shape, np.nan)
        found["ap"][valid] = average_precision(items, relevant)
        if measures.curve:
            here = np.broadcast_to(present, (*labels.shape, ways * shots))[valid]
            found["curve"] = mean_precision_recall(items, relevant, here).precision[None] * len(items)
            found["queries"] = np.array([len(items)])
    return {
        "prediction": predictions(result.scores, valid).astype(np.int32),
        **found,
        **{f"diagnostics.{key}": np.atleast_1d(value) for key, value in result.diagnostics.items()},
    }


def score_chunk(
    solve: Callable[[Tasks], Scored],
    tasks: Tasks,
    labels: NDArray[np.int64],
    where: str,
    measures: Measures,
    *,
    transductive: bool,
) -> dict[str, NDArray[Any]]:
    """What ``evaluate`` gives, and the ``digest`` of all score bytes; queries that do not fit at once in parts.

    Those of a transductive method stay together.
    """
    count = tasks.query.shape[1]
    width = max(1, QUERY_ELEMENTS // (tasks.ways * (tasks.shots if measures.ranking else 1)))
    if len(tasks) > 1 or transductive:
        width = max(1, count)
    sha, parts = hashlib.sha256(), []
    for start in range(0, max(1, count), width):
        part = slice(start, start + width)
        asked = Tasks(tasks.support, tasks.query[:, part])
        result = solve(asked)
        parts.append(evaluate(asked, labels[:, part], result, where, measures))
        sha.update(np.ascontiguousarray(result.scores, dtype="<f8").tobytes())
    found = parts[0]
    for key in {"prediction", "ap"} & found.keys():
        found[key] = np.concatenate([part[key] for part in parts], axis=1)
    if measures.curve:
        some = [
            part for part in parts if part["queries"][0]
        ] or parts  # the rest is padding, its mean no number
        found |= {key: np.sum([part[key] for part in some], axis=0) for key in ("curve", "queries")}
    return {**found, "digest": np.frombuffer(sha.digest(), dtype=np.uint8)}


class Parts:
    """Finished chunks of an interrupted run, below ``folder``; a damaged part is scored again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pending: dict[int, dict[str, NDArray[Any]]] = {}
        self.flushed = time.monotonic()

    def load(self) -> dict[int, dict[str, NDArray[Any]]]:
        """Chunk start -> arrays, of every readable part."""
        found: dict[int, dict[str, NDArray[Any]]] = {}
        for path in sorted(self.folder.glob("part-*.npz")):
            try:
                with np.load(path, allow_pickle=False) as stored:
                    for key in stored.files:
                        start, name = key.split("/")
                        found.setdefault(int(start), {})[name] = stored[key]
            except (OSError, ValueError, EOFError, zipfile.BadZipFile):
                path.unlink(missing_ok=True)
        return found

    def add(self, start: int, arrays: dict[str, NDArray[Any]]) -> None:
        """Keep a finished chunk; written every ``FLUSH_SECONDS``."""
        self.pending[start] = arrays
        if time.monotonic() - self.flushed > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what is pending."""
        if self.pending:
            flat = {f"{s}/{k}": v for s, arrays in self.pending.items() for k, v in arrays.items()}
            path = self.folder / f"part-{min(self.pending):08d}.npz"
            write_atomic(path, lambda stream: np.savez(stream, **flat))  # type: ignore[arg-type]
            self.pending = {}
        self.flushed = time.monotonic()

    def clear(self) -> None:
        """Forget everything: the record is written."""
        shutil.rmtree(self.folder, ignore_errors=True)


def score_all(
    solve: Callable[[Tasks], Scored],
    tasks: Tasks,
    labels: NDArray[np.int64],
    *,
    where: str,
    parts: Parts,
    most: int | None,
    progress: Progress,
    measures: Measures = MEASURES["fewshot"],
    transductive: bool = False,
) -> Outcome:
    """Score every episode in chunks of constant size, going on from the chunks that ``parts`` holds."""
    size, done = chunk_size(tasks, most), parts.load()
    try:
        for start in range(0, len(tasks), size):
            progress("score", start, len(tasks))
            if start in done and len(done[start]["prediction"]) == min(size, len(tasks) - start):
                continue
            part = slice(start, start + size)
            done[start] = score_chunk(
                solve, tasks[part], labels[part], where, measures, transductive=transductive
            )
            parts.add(start, done[start])
    except BaseException:
        parts.flush()
        raise
    progress("score", len(tasks), len(tasks))
    chunks = [done[start] for start in range(0, len(tasks), size)]
    return Outcome(
        prediction=np.concatenate([c["prediction"] for c in chunks]),
        ap=np.concatenate([c["ap"] for c in chunks]) if measures.ranking else None,
        scores_sha256=hashlib.sha256(b"".join(c["digest"].tobytes() for c in chunks)).hexdigest(),
        diagnostics=merge(chunks),
        curve=sum(c["curve"][0] for c in chunks) / sum(c["queries"][0] for c in chunks)
        if measures.curve
        else None,
    )


def merge(chunks: list[dict[str, NDArray[Any]]]) -> dict[str, Any]:
    """Per-episode diagnostics of all chunks as one number each: the count of a boolean, else the largest."""
    merged: dict[str, Any] = {}
    for key in sorted({key for chunk in chunks for key in chunk if key.startswith("diagnostics.")}):
        values = np.concatenate([chunk[key] for chunk in chunks])
        merged[key.partition(".")[2]] = int(values.sum()) if values.dtype == bool else values.max().item()
    return merged
