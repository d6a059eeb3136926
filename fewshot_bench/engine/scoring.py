"""Scoring: chunks of episodes become predictions and average precisions; finished chunks survive a kill."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.engine.measuring import Measure, plain_scores, with_support
from fewshot_bench.engine.parts import Chunk, Parts
from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.errors import FsbenchError
from fewshot_bench.metrics import (
    average_precision,
    class_score_ap,
    mean_precision_recall,
    predictions,
    ranks_of_truth,
)
from fewshot_bench.progress import Progress
from fewshot_bench.protocols import Protocol

CHUNK_ELEMENTS = 8_000_000
"""The number of scores (queries × ways, or × support images) of one chunk: 64 MB in float64.

No result depends on it."""

QUERY_ELEMENTS = 16_000_000
"""The number of scores of one episode that are held at once: a larger episode is scored in parts of its queries.

Each part solves the episode anew, so that this bound is wider than that of a chunk."""


METRIC = "metric."
"""Stands before the name of a metric among the arrays of a chunk."""


Spread = Callable[[Sequence[tuple[Tasks, NDArray[np.int64]]]], Iterator[tuple[int, Chunk]]]
"""Chunks of episodes with their labels -> (place, what ``score_chunk`` gives of it) as they end."""


class Scored(NamedTuple):
    """What a method gives for a batch: scores of classes [E, Q, N], and of support images [E, Q, N·K] or None."""

    scores: NDArray[Any]
    items: NDArray[Any] | None
    diagnostics: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of all episodes.

    ``prediction`` [E, Q] and ``rank`` [E, Q] (of the truth, 0 where it is predicted) are −1 for padding. ``ap``
    [E, Q] is None where nothing is ranked, and ``curve`` (precision [101] at equal steps of recall) where the
    protocol has none. ``scores_sha256`` is a digest of all score bytes. ``metrics`` has one value an episode [E] of
    each metric that was asked for, and ``scores`` [E, Q, N] are there where they are kept.
    """

    prediction: NDArray[np.int32]
    rank: NDArray[np.int32]
    ap: NDArray[np.float64] | None
    scores_sha256: str
    diagnostics: dict[str, Any]
    curve: NDArray[np.float64] | None = None
    metrics: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    scores: NDArray[Any] | None = None


def chunk_size(tasks: Tasks, max_batch: int | None = None) -> int:
    """Returns how many episodes are scored at once.

    It depends on shapes alone, so that a resumed run has equal chunks.
    """
    elements = int(tasks.query.shape[1]) * tasks.ways * tasks.shots
    size = max(1, CHUNK_ELEMENTS // max(1, elements))
    return size if max_batch is None else min(size, max_batch)


def check_scores(tasks: Tasks, scores: NDArray[Any], where: str) -> None:
    """Raises FsbenchError, naming ``where`` they come from, for scores that cannot be ranked.

    They have the shape [E, Q, N], are real numbers, and none of a query and a class that are there is NaN.
    """
    _check_array(scores, (*tasks.query.shape, tasks.ways), "scores", "[episodes, queries, ways]", where)
    there = (tasks.query >= 0)[:, :, None] & (tasks.support[:, None] >= 0).any(axis=3)
    _check_numbers(scores, there, "scores", where)


def check_items(tasks: Tasks, items: NDArray[Any], where: str) -> None:
    """Raises the same for scores of support images, which have the shape [E, Q, N · K]."""
    count = tasks.ways * tasks.shots
    _check_array(
        items, (*tasks.query.shape, count), "item_scores", "[episodes, queries, ways · shots]", where
    )
    there = (tasks.query >= 0)[:, :, None] & (tasks.support >= 0).reshape(len(tasks), 1, count)
    _check_numbers(items, there, "item_scores", where)


def _check_array(found: NDArray[Any], expected: tuple[int, ...], what: str, axes: str, where: str) -> None:
    if found.shape != expected:
        raise FsbenchError(
            f"{where} returned {what} of shape {found.shape} and {axes} = "
            f"{expected} was expected; this is a bug of the method."
        )
    if found.dtype.kind not in "fiu":
        raise FsbenchError(
            f"{where} returned {what} of type {found.dtype} and real numbers were expected, such as float32; this is "
            "a bug of the method."
        )


def _check_numbers(found: NDArray[Any], there: NDArray[np.bool_], what: str, where: str) -> None:
    if (np.isnan(found) & there).any():
        raise FsbenchError(
            f"{where} returned NaN among its {what}; this is a bug of the method or its weights."
        )


def without_padding(tasks: Tasks, scores: NDArray[Any]) -> NDArray[Any]:
    """Returns scores [E, Q, N] with −inf for the classes that an episode does not have, so that none is predicted."""
    absent = (tasks.support[:, None] < 0).all(axis=3)
    if not absent.any():
        return scores
    return np.where(absent, -np.inf, scores)


def evaluate(
    tasks: Tasks, labels: NDArray[np.int64], result: Scored, where: str, protocol: Protocol
) -> dict[str, NDArray[Any]]:
    """Returns predictions, ranks and APs of one chunk.

    Raises FsbenchError when the method broke its contract (shape, NaN).
    """
    check_scores(tasks, result.scores, where)
    if result.items is not None:
        check_items(tasks, result.items, where)
    result = result._replace(scores=without_padding(tasks, result.scores))
    valid = labels >= 0
    found: dict[str, NDArray[Any]] = {}
    if protocol.ranking and result.items is None and not protocol.curve:
        found["ap"] = class_score_ap(result.scores, labels, (tasks.support >= 0).sum(axis=2))
    elif protocol.ranking:
        ways, shots = tasks.ways, tasks.shots
        items = np.repeat(result.scores, shots, axis=2) if result.items is None else result.items
        present = (tasks.support >= 0).reshape(len(tasks), 1, ways * shots)
        relevant = (np.arange(ways * shots) // shots)[None, None, :] == labels[:, :, None]
        items, relevant = np.where(present, items, -np.inf)[valid], (relevant & present)[valid]
        found["ap"] = np.full(labels.shape, np.nan)
        found["ap"][valid] = average_precision(items, relevant)
        if protocol.curve:
            here = np.broadcast_to(present, (*labels.shape, ways * shots))[valid]
            found["curve"] = mean_precision_recall(items, relevant, here).precision[None] * len(items)
            found["queries"] = np.array([len(items)])
    return {
        "prediction": predictions(result.scores, valid).astype(np.int32),
        "rank": ranks_of_truth(result.scores, labels).astype(np.int32),
        **found,
        **{f"diagnostics.{key}": np.atleast_1d(value) for key, value in result.diagnostics.items()},
    }


def score_chunk(
    solve: Callable[[Tasks], Scored],
    tasks: Tasks,
    labels: NDArray[np.int64],
    where: str,
    protocol: Protocol,
    *,
    transductive: bool,
    measures: Sequence[Measure] = (),
    keep: bool = False,
) -> dict[str, NDArray[Any]]:
    """Returns what ``evaluate`` gives for a chunk, the ``digest`` of all its score bytes, and ``metric.NAME`` [E] each.

    The queries of one large episode are scored in parts, except where the method is transductive. Its class scores
    are held together where there are metrics, for those are of whole episodes, and where they are kept (``scores``).
    """
    count = tasks.query.shape[1]
    width = max(1, QUERY_ELEMENTS // (tasks.ways * (tasks.shots if protocol.ranking else 1)))
    if len(tasks) > 1 or transductive:
        width = max(1, count)
    sha, parts, held = hashlib.sha256(), [], []
    known = with_support(tasks.support, labels)
    for start in range(0, max(1, count), width):
        part = slice(start, start + width)
        asked = Tasks(tasks.support, tasks.query[:, part], tasks.names)
        result = solve(asked)
        parts.append(evaluate(asked, known[:, part], result, where, protocol))
        sha.update(np.ascontiguousarray(result.scores, dtype="<f8").tobytes())
        if measures or keep:
            held.append(plain_scores(result.scores, asked.support, labels[:, part]))
    found = parts[0]
    for key in {"prediction", "rank", "ap"} & found.keys():
        found[key] = np.concatenate([part[key] for part in parts], axis=1)
    if protocol.curve:
        some = [
            part for part in parts if part["queries"][0]
        ] or parts  # the rest is padding, its mean no number
        found |= {key: np.sum([part[key] for part in some], axis=0) for key in ("curve", "queries")}
    if held:
        whole = np.concatenate(held, axis=1)
        found |= {"scores": whole} if keep else {}
        found |= {f"{METRIC}{measure.name}": measure.means(whole, labels) for measure in measures}
    return {**found, "digest": np.frombuffer(sha.digest(), dtype=np.uint8)}


def score_all(
    solve: Callable[[Tasks], Scored],
    tasks: Tasks,
    labels: NDArray[np.int64],
    *,
    where: str,
    parts: Parts,
    max_batch: int | None,
    progress: Progress,
    protocol: Protocol,
    transductive: bool = False,
    measures: Sequence[Measure] = (),
    keep: bool = False,
    spread: Spread | None = None,
) -> Outcome:
    """Scores every episode in chunks of constant size; a chunk that ``parts`` holds is not scored again.

    With ``keep`` the scores themselves are kept, in parts too. ``spread`` has several chunks scored elsewhere.
    """
    size, done = chunk_size(tasks, max_batch), parts.load()
    starts = range(0, len(tasks), size)

    def is_done(start: int) -> bool:
        whole = start in done and len(done[start]["prediction"]) == min(size, len(tasks) - start)
        return whole and (not keep or "scores" in done[start])

    def score(part: Tasks, truth: NDArray[np.int64]) -> Chunk:
        return score_chunk(
            solve, part, truth, where, protocol, transductive=transductive, measures=measures, keep=keep
        )

    todo = [start for start in starts if not is_done(start)]
    ended = len(starts) - len(todo)
    units = ((tasks[start : start + size], labels[start : start + size]) for start in todo)
    try:
        progress("score", min(ended * size, len(tasks)), len(tasks))
        for place, chunk in (
            enumerate(score(*unit) for unit in units)
            if spread is None or len(todo) < 2
            else spread(list(units))
        ):
            done[todo[place]] = chunk
            parts.add(todo[place], chunk)
            ended += 1
            progress("score", min(ended * size, len(tasks)), len(tasks))
    except BaseException:
        parts.flush()
        raise
    chunks = [done[start] for start in starts]
    return Outcome(
        prediction=np.concatenate([c["prediction"] for c in chunks]),
        rank=np.concatenate([c["rank"] for c in chunks]),
        ap=np.concatenate([c["ap"] for c in chunks]) if protocol.ranking else None,
        scores_sha256=hashlib.sha256(b"".join(c["digest"].tobytes() for c in chunks)).hexdigest(),
        diagnostics=merge(chunks),
        curve=sum(c["curve"][0] for c in chunks) / sum(c["queries"][0] for c in chunks)
        if protocol.curve
        else None,
        metrics={m.name: np.concatenate([c[f"{METRIC}{m.name}"] for c in chunks]) for m in measures},
        scores=np.concatenate([c["scores"] for c in chunks]) if keep else None,
    )


def merge(chunks: list[Chunk]) -> dict[str, Any]:
    """Returns each diagnostic of all chunks as one number: how many episodes a boolean holds for, else the largest."""
    merged: dict[str, Any] = {}
    for key in sorted({key for chunk in chunks for key in chunk if key.startswith("diagnostics.")}):
        values = np.concatenate([chunk[key] for chunk in chunks if key in chunk])
        merged[key.partition(".")[2]] = int(values.sum()) if values.dtype == bool else values.max().item()
    return merged
