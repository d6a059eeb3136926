"""Measuring: the metrics that a run was asked for, worked out chunk by chunk behind a guard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.contract.guard import Guard
from fewshot_bench.contract.method import Method
from fewshot_bench.contract.registry import Entry
from fewshot_bench.engine.request import Request
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.identity import source_digest
from fewshot_bench.metrics import episode_interval, episode_means
from fewshot_bench.metrics.metric import Metric


@dataclass(frozen=True)
class Measure:
    """A metric that is made, with where it comes from and what it runs behind."""

    name: str
    metric: Metric
    entry: Entry
    guard: Guard

    def means(self, scores: NDArray[Any], labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns the mean of the metric in each episode, [E], from scores [E, Q, N] and labels [E, Q].

        Raises FsbenchError, naming the metric, where its values have another shape or are no numbers.
        """
        scores, labels = scores.astype(np.float64), labels.view()  # every float32 is a float64
        scores.flags.writeable = labels.flags.writeable = False
        with self.guard("its values"):
            values = np.asarray(self.metric(scores, labels))
        if values.shape not in (labels.shape, labels.shape[:1]) or values.dtype.kind not in "fiub":
            raise FsbenchError(
                f"{self.guard.what} returned values of shape {values.shape} and type {values.dtype}, and real numbers "
                f"[episodes, queries] = {labels.shape} or [episodes] = {labels.shape[:1]} were expected; this is a bug "
                "of the metric."
            )
        there = labels >= 0 if values.ndim == 2 else np.ones(len(values), dtype=bool)
        if not np.isfinite(values[there]).all():
            raise FsbenchError(
                f"{self.guard.what} returned {int((~np.isfinite(values[there])).sum())} values that are not finite, of "
                f"{int(there.sum())}; this is a bug of the metric, unless it is not defined for these episodes."
            )
        values = values.astype(np.float64)
        return episode_means(values, labels) if values.ndim == 2 else values


def measures_of(request: Request, limit: float | None, notes: list[str]) -> tuple[Measure, ...]:
    """Returns the metrics of a request; UsageError for an unknown name, FsbenchError for one that cannot be made.

    ``limit`` is the number of seconds that each may take for a chunk; ``notes`` has what their guards put back.
    """
    found = []
    for name in request.metrics:
        guard = Guard(f"The metric {name}", limit=limit, notes=notes)
        kind = request.given.load_metric(name)
        with guard("its construction"):
            metric = kind()
        found.append(Measure(name, metric, request.given.metric_entry(name), guard))
    return tuple(found)


def require_calibrated(measures: Sequence[Measure], method: Method) -> None:
    """Raises UsageError where a metric is of probabilities and the method does not declare that it returns them."""
    for measure in measures:
        if measure.metric.calibrated and not method.calibrated:
            raise UsageError(
                f"The metric {measure.name} is of probabilities, and the method {method.name} does not declare that "
                f"its scores are such (calibrated); leave --metric {measure.name} out, or take a method that does: "
                "`fsbench methods NAME` shows it."
            )


def metric_facts(measures: Sequence[Measure]) -> list[dict[str, str]]:
    """Returns what the values of each metric depend on: its name, distribution and version, digest of its source."""
    return [
        {
            "name": measure.name,
            "distribution": measure.entry.distribution,
            "version": measure.entry.version,
            "source": source_digest(type(measure.metric)),
        }
        for measure in measures
    ]


def with_support(support: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns labels [E, Q] with −1 for queries of classes without support [E, N, K], as of padding.

    No answer to these is right: they count in metrics alone.
    """
    present = np.asarray((support >= 0).any(axis=2))
    known = np.take_along_axis(present, labels.clip(min=0), axis=1)
    return np.where(known, labels, -1)


def plain_scores(scores: NDArray[Any], support: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[Any]:
    """Returns scores [E, Q, N] with −inf for an absent class and 0 for padded queries.

    ``support`` [E, N, K] is −1 where there is no picture. The result is a copy, in float64 of whole numbers.
    """
    made = np.array(scores, dtype=None if scores.dtype.kind == "f" else np.float64)
    absent = np.asarray((support < 0).all(axis=2))
    made[np.broadcast_to(absent[:, None], made.shape)] = -np.inf
    made[labels < 0] = 0.0
    return made


def metrics_json(values: Mapping[str, NDArray[np.float64]]) -> dict[str, Any]:
    """Returns the means and intervals of metrics as they stand in a record, from one value an episode of each."""
    found = {}
    for name, means in values.items():
        over = episode_interval(means)
        ends = None if over.low is None or over.high is None else [over.low, over.high]
        found[name] = {"mean": over.mean, "interval": ends, "kind": over.reason or over.kind}
    return found
