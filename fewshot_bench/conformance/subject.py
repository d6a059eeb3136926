"""Subject: a method that is checked, ready to solve, with the episodes and the pictures that it is tried on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.conformance.compare import Floats
from fewshot_bench.contract.context import Context
from fewshot_bench.contract.guard import Guard
from fewshot_bench.contract.method import EmbeddingMethod, Method
from fewshot_bench.contract.state import PLAIN, torch_settings
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.engine.class_names import names_of_rows
from fewshot_bench.engine.request import Request
from fewshot_bench.engine.scoring import Scored, check_items, check_scores
from fewshot_bench.engine.solvers import solver_on, table_of
from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.errors import FsbenchError
from fewshot_bench.store.encoder import Encoder
from fewshot_bench.store.encoding import bare

LOOKED_AT = 8
"""The number of pictures that are encoded in several orders."""

MANY = 48
"""The number of episodes of the largest batch, where solving one trains nothing."""


class UnsoundScoresError(FsbenchError):
    """The method's scores cannot be compared, for another reason than what a check tries."""


@dataclass(eq=False)
class Subject:
    """A method on a few episodes.

    Parameters
    ----------
    request, index, rows : what is evaluated, and the index rows of the table.
    tasks, labels : the episodes, and the labels of their queries, which the method does not see.
    context : what the engine lends.
    make : a function that makes and sets up the method, of the request's parameters and of those it is given.
    method : the method, set up once.
    guard : what the method's code runs behind; its notes say which settings of the process were changed.
    before : the states of the global generators before the method was set up, by name.
    data_root : the folder of data sets, for another process.
    """

    request: Request
    index: ImageIndex
    rows: NDArray[np.int64]
    tasks: Tasks
    labels: NDArray[np.int64]
    context: Context
    make: Callable[[dict[str, Any]], Method]
    method: Method
    guard: Guard
    before: dict[str, Any]
    data_root: Path | None = None

    @cached_property
    def table(self) -> NDArray[Any]:
        """The table that the method works on: embeddings ``[M, D]``, or pictures ``[M, 3, S, S]``."""
        return table_of(self.method, self.index, self.rows, self.context, guard=self.guard)

    def solved(
        self, tasks: Tasks, *, table: NDArray[Any] | None = None, method: Method | None = None
    ) -> Scored:
        """Returns what the method gives for episodes, unchecked; ``table`` and ``method`` take the place of its own."""
        found = self.table if table is None else table
        solve, most = solver_on(
            method or self.method, found.copy(), self.context.device, guard=self.guard, names=self.names
        )
        own = Tasks(tasks.support.copy(), tasks.query.copy(), tasks.names)
        size = most or max(1, len(own))
        parts = [solve(own[start : start + size]) for start in range(0, len(own), size)]
        items = [part.items for part in parts if part.items is not None]
        return Scored(
            np.concatenate([part.scores for part in parts]),
            np.concatenate(items) if items else None,
            parts[0].diagnostics,
        )

    def scores_of(
        self, tasks: Tasks, *, table: NDArray[Any] | None = None, method: Method | None = None
    ) -> Floats:
        """Returns class scores [E, Q, N]; FsbenchError where they cannot be ranked."""
        found = self.solved(tasks, table=table, method=method)
        check_scores(tasks, found.scores, "It")
        return found.scores

    @cached_property
    def names(self) -> NDArray[np.object_] | None:
        """The name of the class of each row of the table, for a method that reads names."""
        return names_of_rows(self.method, self.index, self.rows)

    @cached_property
    def first(self) -> Scored:
        """The scores that the method gives for the episodes the first time, unchecked."""
        return self.solved(self.tasks)

    @cached_property
    def scores(self) -> Floats:
        """The class scores of the episodes; UnsoundScoresError where they cannot be ranked at all."""
        found = self.first.scores
        try:
            check_scores(self.tasks, found, "It")
        except FsbenchError as error:
            raise UnsoundScoresError(str(error)) from error
        return found

    @cached_property
    def items(self) -> Floats | None:
        """The scores of support images [E, Q, N · K], None where the method has none; FsbenchError if unsound."""
        if self.scores is not None and self.first.items is not None:
            check_items(self.tasks, self.first.items, "It")
        return self.first.items

    @property
    def encoder(self) -> Encoder | None:
        """The encoder of an ``EmbeddingMethod``, else None."""
        return self.method.encoder if isinstance(self.method, EmbeddingMethod) else None

    @property
    def draws_per_episode(self) -> bool:
        """Whether the method, or its head, says that it draws random numbers for each episode."""
        head = getattr(self.method, "head", None)
        return self.method.draws_per_episode or bool(getattr(head, "draws_per_episode", False))

    @property
    def looked_at(self) -> NDArray[np.int64]:
        """Rows of the index whose pictures are encoded in several orders."""
        return self.rows[:LOOKED_AT]

    def vectors(self, encoder: Encoder, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Returns what an encoder makes of pictures, prepared and encoded together in this order."""
        pictures = [bare(self.index.reader(int(row))) for row in rows]
        with self.guard("encode"):
            return np.asarray(encoder.encode(np.stack([encoder.prepare(picture) for picture in pictures])))


def generator_states() -> dict[str, Any]:
    """Returns the states of the global generators of random numbers, by name."""
    return {s.name: s.read() for s in (*PLAIN, *torch_settings()) if s.generator}
