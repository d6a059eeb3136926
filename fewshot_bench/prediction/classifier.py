"""Classifier: a method with all pictures of an index as its support, asked about pictures outside it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.contract.context import Context
from fewshot_bench.contract.method import EmbeddingMethod, EpisodicMethod, Method
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.engine.class_names import names_of_rows
from fewshot_bench.engine.scoring import CHUNK_ELEMENTS, check_scores
from fewshot_bench.engine.solvers import solver_on, table_of
from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.metrics.openset import Threshold, reject_threshold
from fewshot_bench.prediction import leave_out
from fewshot_bench.prediction.leave_out import support_of

Floats = NDArray[np.floating[Any]]

MIN_BATCH, MAX_BATCH, MAX_BATCH_EPISODIC = 16, 4096, 128
"""Pictures that are classified at once: the fewest, the most by embeddings (some 20 MB), the most by adapting a
network.
"""

CALIBRATION = 1000
"""The largest number of known references, and of unknown ones, from which a threshold is found."""


class Classifier:
    """Classifies pictures by a method that is ready, on the reference pictures ``index``.

    With ``nearest``, references are scored too where the method can do so, for ``best``. ``max_batch`` is the
    number of pictures that fit in one call.
    """

    def __init__(self, method: Method, index: ImageIndex, context: Context, *, nearest: bool) -> None:
        self.method, self.index, self.context, self.nearest = method, index, context, nearest
        self.support = support_of(index.labels, np.arange(len(index)))
        self.names = names_of_rows(method, index, np.arange(len(index)))
        self.table = table_of(method, index, np.arange(len(index)), context)
        limit = MAX_BATCH_EPISODIC if isinstance(method, EpisodicMethod) else MAX_BATCH
        width = self.support.size if nearest else len(self.support)
        self.max_batch = int(np.clip(CHUNK_ELEMENTS // width, MIN_BATCH, limit))

    @property
    def compared(self) -> str:
        """What ``best`` is, in words."""
        ranks = isinstance(self.method, EmbeddingMethod) and hasattr(self.method.head, "item_scores")
        return "score of the nearest reference" if ranks and self.nearest else "score of the best class"

    def classify(self, queries: NDArray[Any]) -> tuple[Floats, Floats]:
        """Returns class scores [Q, N] and ``best`` [Q] of pictures [Q, …], which are as ``table_of`` gives them."""
        rows = len(self.table) + np.arange(len(queries))
        return self.score(np.concatenate([self.table, queries]), self.support, rows)

    def score(
        self, table: NDArray[Any], support: NDArray[np.int64], query: NDArray[np.int64]
    ) -> tuple[Floats, Floats]:
        """Returns class scores [Q, N], and what a threshold is compared with [Q].

        ``support`` [N, K] and ``query`` [Q] are rows of a table. A threshold is compared with the score of the
        nearest reference where the method scores references (Sun et al.: Out-of-distribution Detection with Deep
        Nearest Neighbors, ICML 2022), because votes do not say how near the nearest is. Otherwise it is compared
        with the score of the best class (Hendrycks, Gimpel: A Baseline for Detecting Misclassified and
        Out-of-Distribution Examples, ICLR 2017).
        """
        tasks = Tasks(support[None], query[None])
        solve, _ = solver_on(self.method, table, self.context.device, ranking=self.nearest, names=self.names)
        result = solve(tasks)
        check_scores(tasks, result.scores, f"The method {self.method.name}")
        if result.items is None:
            return result.scores[0], result.scores[0].max(axis=1)
        return result.scores[0], np.where(support.reshape(-1) >= 0, result.items[0], -np.inf).max(axis=1)

    def threshold(self, rate: float) -> Threshold:
        """Returns the threshold of ``metrics/openset.py``, found on held-out references.

        References are scored without themselves (known classes) and without their class (unknown ones), at most
        ``CALIBRATION`` of each, drawn from the seed. A class has one reference less here than in use (a tenth
        less when it has more than ten), and there are a few classes less where unknown ones are scored.
        """
        kinds = {"known": leave_out.known, "unknown": leave_out.unknown}
        found: dict[str, list[Floats]] = {kind: [np.array([])] for kind in kinds}
        for number, (kind, hold_out) in enumerate(kinds.items()):
            generator = self.context.generator("reject", kind)
            fold, asked = hold_out(self.index, generator)
            queries = np.sort(generator.permutation(np.flatnonzero(asked))[:CALIBRATION])
            for f in range(leave_out.FOLDS):
                self.context.progress("calibrate", leave_out.FOLDS * number + f, 2 * leave_out.FOLDS)
                rows = queries[fold[queries] == f]
                support = support_of(self.index.labels, np.flatnonzero(fold != f))
                for start in range(0, len(rows), self.max_batch):
                    part = rows[start : start + self.max_batch]
                    found[kind].append(self.score(self.table, support, part)[1])
        self.context.progress("calibrate", 2 * leave_out.FOLDS, 2 * leave_out.FOLDS)
        return reject_threshold(np.concatenate(found["known"]), np.concatenate(found["unknown"]), rate)
