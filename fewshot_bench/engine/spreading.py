"""Chunks of episodes on the workers of a cluster."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.cluster.executor import Executor, results
from fewshot_bench.contract.guard import Guard
from fewshot_bench.contract.method import EmbeddingMethod, Method
from fewshot_bench.engine.measuring import Measure
from fewshot_bench.engine.parts import Chunk
from fewshot_bench.engine.scoring import Spread, score_chunk
from fewshot_bench.engine.solvers import Solver, solver_on
from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.protocols import Protocol

Unit = tuple[Tasks, NDArray[np.int64]]


@dataclass(eq=False)
class Scoring:
    """This holds what every chunk of a run needs: the method, its table, and how its scores are judged."""

    method: Method
    table: NDArray[Any]
    device: str
    where: str
    protocol: Protocol
    limit: float | None
    measures: tuple[Measure, ...]
    keep: bool
    names: NDArray[np.object_] | None = None

    @cached_property
    def solved(self) -> tuple[Solver, Guard]:
        """The solver of a worker, which keeps what it computes of the table for the next chunk, and its guard."""
        guard = Guard(self.where, limit=self.limit)
        own = self.table.copy()  # what a cluster shares is read-only
        solve, _ = solver_on(
            self.method, own, self.device, ranking=self.protocol.ranking, guard=guard, names=self.names
        )
        return solve, guard


def spread_over(chosen: Executor, scoring: Scoring, notes: list[str]) -> Spread:
    """Returns what has chunks scored by an executor; ``notes`` are what guards there say."""

    def spread(units: Sequence[Unit]) -> Iterator[tuple[int, Chunk]]:
        shared = chosen.share(scoring)
        sent = [(shared, *unit) for unit in units]
        for place, (chunk, said) in results(chosen, chunk_of_episodes, sent):
            notes.extend(note for note in said if note not in notes)
            yield place, chunk

    return spread


def scoring_of(
    method: Method,
    table: NDArray[Any],
    device: str,
    guard: Guard,
    where: str,
    protocol: Protocol,
    measures: Sequence[Measure],
    *,
    keep: bool,
    names: NDArray[np.object_] | None = None,
) -> Scoring:
    """Returns what chunks need; of a method that works on embeddings its encoder stays here."""
    if isinstance(method, EmbeddingMethod):
        method = copy.copy(method)
        method.__dict__.pop("encoder", None)
    return Scoring(method, table, device, where, protocol, guard.limit, tuple(measures), keep, names)


def chunk_of_episodes(scoring: Scoring, tasks: Tasks, labels: NDArray[np.int64]) -> tuple[Chunk, list[str]]:
    """Returns what ``score_chunk`` gives, and the notes of the guard; this runs on a worker."""
    solve, guard = scoring.solved
    chunk = score_chunk(
        solve,
        tasks,
        labels,
        scoring.where,
        scoring.protocol,
        transductive=scoring.method.transductive,
        measures=scoring.measures,
        keep=scoring.keep,
    )
    return chunk, guard.notes
