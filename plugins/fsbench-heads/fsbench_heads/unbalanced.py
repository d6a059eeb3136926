"""Episodes whose classes have unequally many queries (Veilleux et al. 2021), and the protocol that asks for them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fewshot_bench.api import Protocol, Sampler, sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONCENTRATION = 2.0
"""Parameter a of the Dirichlet distribution: that of the paper."""


def query_counts(limits: NDArray[np.int64], total: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Returns the number of queries of each class ``[N]``, ``total`` in all and none above its limit in ``limits [N]``.

    Shares of the classes are drawn from a symmetric Dirichlet distribution, and queries one after the other by these
    shares, among the classes that have not reached their limit.
    """
    shares = generator.dirichlet(np.full(len(limits), CONCENTRATION))
    counts = np.zeros_like(limits)
    for _ in range(total):
        free = np.where(counts < limits, shares.clip(1e-12), 0)
        counts[generator.choice(len(limits), p=free / free.sum())] += 1
    return counts


class Unbalanced(Sampler):
    """Classes and pictures as the suite draws them, with queries by shares from a Dirichlet distribution, a = 2."""

    api_version = 1
    name = "unbalanced"
    summary = (
        "queries of each class by shares of a Dirichlet distribution with a = 2; half of the limit on average"
    )
    reference = "Veilleux, Boudiaf, Piantanida, Ben Ayed: Realistic evaluation of transductive few-shot learning, 2021"

    def __call__(self, index: Any, spec: Any) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Returns the arrays of episodes: half of the queries that classes can give up to the limit, unequally many."""
        drawn = sample(index, replace(spec, sampler="", queries="all"))
        most = drawn.query.shape[2] if spec.queries == "all" else spec.queries
        query = np.full((*drawn.query.shape[:2], most), -1, dtype=np.int64)
        for episode, rows in enumerate(drawn.query):
            generator = np.random.default_rng([spec.seed, episode])
            limits = (rows >= 0).sum(1).clip(max=most)
            for way, count in enumerate(query_counts(limits, max(1, limits.sum() // 2), generator)):
                query[episode, way, :count] = generator.permutation(rows[way][rows[way] >= 0])[:count]
        return drawn.classes, drawn.support, query


PROTOCOL = Protocol(
    "unbalanced",
    "N-way K-shot episodes whose classes have unequally many queries, measured by accuracy",
    sampler="unbalanced",
    title="unbalanced queries",
)
"""The row of the protocol ``unbalanced``."""
