"""Episodes whose classes have unequally many queries (Veilleux et al. 2021), and the protocol that asks for them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fewshot_bench.api import Protocol, Sampler, UsageError, sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONCENTRATION = 2.0
"""Parameter a of the Dirichlet distribution: that of the paper."""


def query_counts(ways: int, limit: int, total: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Returns the number of queries of each class ``[N]``, none above ``limit``, and ``total`` in all.

    Shares of the classes are drawn from a symmetric Dirichlet distribution, and queries one after the other by these
    shares, among the classes that have not reached the limit.
    """
    shares = generator.dirichlet(np.full(ways, CONCENTRATION))
    counts = np.zeros(ways, dtype=np.int64)
    for _ in range(total):
        free = np.where(counts < limit, shares.clip(1e-12), 0)
        counts[generator.choice(ways, p=free / free.sum())] += 1
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
        """Returns the arrays of balanced episodes with some of the queries left out."""
        if spec.queries == "all":
            raise UsageError("The sampler unbalanced needs a number of queries as the limit: --queries 15.")
        drawn = sample(index, replace(spec, sampler=""))
        query = drawn.query.copy()
        ways, limit = query.shape[1:]
        for episode in range(len(query)):
            generator = np.random.default_rng([spec.seed, episode])
            counts = query_counts(ways, limit, max(1, ways * limit // 2), generator)
            query[episode][np.arange(limit) >= counts[:, None]] = -1
        return drawn.classes, drawn.support, query


PROTOCOL = Protocol(
    "unbalanced",
    "N-way K-shot episodes whose classes have unequally many queries, measured by accuracy",
    sampler="unbalanced",
    title="unbalanced queries",
)
"""The row of the protocol ``unbalanced``."""
