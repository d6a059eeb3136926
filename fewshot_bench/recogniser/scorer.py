"""Scores of pictures on references: of new ones, and of the references without themselves."""

from __future__ import annotations

from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.contract.method import EmbeddingMethod
from fewshot_bench.engine.class_names import named
from fewshot_bench.engine.solvers import as_array, embedding_solver, guard_of
from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.prediction import leave_out
from fewshot_bench.prediction.leave_out import support_of
from fewshot_bench.prediction.nearest import MANY, nearest, unit
from fewshot_bench.prediction.neighbours import NEIGHBOURS, NearReferences, with_runner_up
from fewshot_bench.recogniser.near import Found, Near, updated
from fewshot_bench.recogniser.references import References

Floats = NDArray[np.floating[Any]]

ONE_BY_ONE = 256
"""References up to which each is left out alone; of more, a tenth of each product at a time."""

ASKED = 1000
"""The largest number of references that are asked without themselves."""

FEW_QUERIES = 8
"""Pictures up to which the nearest of many references is found by a shortlist; of more, products of matrices pay."""

TOGETHER = 1 << 22
"""Rows of supports that are solved at once."""


class Held(NamedTuple):
    """References asked without themselves: their ``rows`` [R] and class ``scores`` [R, N]."""

    rows: NDArray[np.int64]
    scores: Floats


class Scorer:
    """Scores pictures by the head of a method on references, with what can be kept between calls.

    A head with ``fitted`` (logistic regression) is solved once; any other solves an episode of all references and
    the pictures that are asked.
    """

    def __init__(self, method: EmbeddingMethod, references: References, device: str) -> None:
        self.method, self.references, self.device = method, references, device
        self.names = named(method, references.class_names, references.labels)
        self.known_near: dict[str, Near] = {}
        self.outside: tuple[NDArray[np.float32], Near] | None = None

    @property
    def support(self) -> NDArray[np.int64]:
        """Rows of each class, int64 [N, K], padded with −1."""
        return self.references.support

    @property
    def units(self) -> NDArray[np.float32]:
        """The references' embeddings at length 1, float32 [M, D]; a copy where there are many."""
        return self.references.blocks.units()

    @cached_property
    def fitted(self) -> Any:
        """The head's solution on all references, or None where it has none to keep."""
        import torch

        solve = getattr(self.method.head, "fitted", None)
        if solve is None:
            return None
        with guard_of(self.method)("fitted"):
            return solve(torch.from_numpy(self.references.vectors).to(self.device), self.support)

    def kept(self) -> dict[str, NDArray[Any]]:
        """Returns the arrays of the head's solution by name, which a file keeps; empty where it has none."""
        arrays = getattr(self.fitted, "arrays", None)
        return {f"fitted.{name}": array for name, array in arrays().items()} if arrays else {}

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Takes the head's solution from a file instead of solving; leaves it where the file has none."""
        mine = {name[7:]: array for name, array in arrays.items() if name.startswith("fitted.")}
        if mine and hasattr(self.method.head, "restored"):
            self.__dict__["fitted"] = self.method.head.restored(mine)

    def scores(self, queries: NDArray[np.float32]) -> Floats:
        """Returns class scores [Q, N] of embeddings [Q, D]."""
        import torch

        if self.fitted is not None:
            with guard_of(self.method)("scores"):
                fast: Floats = as_array(self.fitted(torch.from_numpy(queries).to(self.device)))
                return fast
        rows = len(self.references) + np.arange(len(queries))
        table = np.concatenate([*(part.rows for part in self.references.blocks.parts), queries])
        found: Floats = self._solved(table, Tasks(self.support[None], rows[None]))[0]
        return found

    def why(self, queries: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Returns the nearest reference's row [Q] and its cosine [Q] of embeddings [Q, D]."""
        blocks = self.references.blocks
        if len(self.references) < MANY or len(queries) > FEW_QUERIES:
            return blocks.nearest(unit(queries))
        return blocks.nearest_listed(unit(queries))

    def neighbours(self, queries: NDArray[np.float32], ranked: NDArray[np.integer]) -> NearReferences:
        """Returns the nearest references of embeddings [Q, D], whose products are ``ranked`` [Q, T], the best first."""
        units, groups = unit(queries), self.references.groups
        blocks = self.references.blocks
        if len(self.references) < MANY or len(queries) > FEW_QUERIES:
            found = blocks.nearest_several(units, NEIGHBOURS, groups)
        else:
            found = blocks.several_listed(units, NEIGHBOURS, groups)
        return with_runner_up(found, blocks.units_at, units, groups, self.support, ranked)

    @cached_property
    def held(self) -> Held:
        """Scores of references without themselves, at most ``ASKED``; a product of one content is not asked.

        Pictures of a class with the same content leave together. Scores are those of all classes, since none becomes
        empty. Of many references, a tenth of each product leaves at a time, as often as ``ASKED`` need.
        """
        references = self.references
        asked = np.flatnonzero(references.held)
        if not len(asked):
            return Held(asked, np.zeros((0, len(references.class_names))))
        if len(references) <= ONE_BY_ONE:
            return Held(asked, self._one_by_one(asked))
        generator = np.random.default_rng(0)
        fold, _ = leave_out.known(references, generator)
        enough = np.bincount(fold[asked], minlength=leave_out.FOLDS).cumsum() >= ASKED
        parts = int(enough.argmax()) + 1 if enough.any() else leave_out.FOLDS
        asked = np.sort(generator.permutation(asked[fold[asked] < parts])[:ASKED])
        table, found = references.vectors, np.zeros((len(asked), len(references.class_names)))
        for part in range(parts):
            place = np.flatnonzero(fold[asked] == part)
            if len(place):
                support = support_of(references.labels, np.flatnonzero(fold != part))
                tasks = Tasks(support[None], asked[place][None])
                found[place] = self._solved(table, tasks)[0]
        return Held(asked, found)

    def _one_by_one(self, asked: NDArray[np.int64]) -> Floats:
        """Returns the scores of references, each without its content: one episode for each."""
        groups, labels = self.references.groups, self.references.labels
        supports = np.full((len(asked), *self.support.shape), -1, dtype=np.int64)
        for place, row in enumerate(asked.tolist()):
            left = support_of(labels, np.flatnonzero(groups != groups[row]))
            supports[place, :, : left.shape[1]] = left
        step = max(1, TOGETHER // supports[0].size)
        parts = [
            self._solved(self.references.vectors, Tasks(supports[i : i + step], asked[i : i + step, None]))[
                :, 0
            ]
            for i in range(0, len(asked), step)
        ]
        return np.concatenate(parts)

    def asked(self, support: NDArray[np.int64], rows: NDArray[np.int64]) -> Floats:
        """Returns class scores [Q, N] of references ``rows`` [Q] by those of ``support`` [N, K], padded with −1."""
        found: Floats = self._solved(self.references.vectors, Tasks(support[None], rows[None]))[0]
        return found

    def _solved(self, table: NDArray[np.float32], tasks: Tasks) -> Floats:
        """Returns the scores [E, Q, N] of episodes on a table."""
        solve = embedding_solver(
            self.method, table, self.device, guard_of(self.method), ranking=False, names=self.names
        )
        return solve(tasks).scores

    def weights(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns how much each reference that is asked without itself counts [R], 1 on average.

        Each product counts alike, as new pictures are of any product. A picture whose product has k contents left
        stands for the products that have k in use; where none has so many left, the most that is left stands for more.
        """
        if not len(rows):
            return np.zeros(0)
        contents = self.references.contents
        left = contents[self.references.labels[rows]] - 1
        counts = np.bincount(left)
        stands = np.bincount(np.minimum(contents, left.max(initial=1)), minlength=len(counts)).astype(float)
        for k in np.flatnonzero(counts == 0).tolist():  # nobody is left with k: the next fewer stand in
            fewer = np.flatnonzero(counts[:k])
            place = int(fewer[-1]) if len(fewer) else int(np.flatnonzero(counts)[0])
            stands[place] += stands[k]
            stands[k] = 0
        share = np.divide(stands, counts, where=counts > 0, out=np.zeros(len(counts)))[left]
        return np.asarray(share / share.mean(), dtype=np.float64)

    def cosines_of_known(self) -> NDArray[np.float64]:
        """Returns the cosine of the nearest other content, of at most ``ASKED`` references whose product has two.

        Values are repeated and left out so that each stands for its ``weights``; their number stays.
        """
        near = self.near("content")
        return resampled(near.cosines, self.weights(near.rows))

    def cosines_of_unknown(self) -> NDArray[np.float64]:
        """Returns the cosine of the nearest reference of another product, as if a picture's own were unknown."""
        if len(self.references.class_names) < 3:
            return np.zeros(0)
        return self.near("product").cosines

    def cosines_of(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Returns the cosine with the nearest reference of pictures of no product, embeddings [U, D]."""
        if self.outside is None or self.outside[0] is not vectors:
            self.outside = vectors, Near(np.arange(len(vectors)), *self.why(vectors))
        return self.outside[1].cosines

    def cosines(self, rows: NDArray[np.int64], apart: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns the greatest cosine [R] of references ``rows`` [R] with one of another number of ``apart`` [M]."""
        blocks = self.references.blocks
        return blocks.nearest(blocks.units_at(rows), np.concatenate([apart[rows], apart]))[1]

    def near(self, other: str) -> Near:
        """Returns the nearest reference of another ``content`` or ``product``, of at most ``ASKED`` references.

        Those that have another content of their product are asked about contents, and any about products.
        """
        if other not in self.known_near:
            rows = self._asked(other)
            self.known_near[other] = Near(rows, *self._nearest(rows, other))
        return self.known_near[other]

    def carry(self, before: Scorer, place: NDArray[np.int64]) -> None:
        """Takes over what holds of the references of ``before``, whose rows [M] are now at ``place`` (−1: gone).

        A row is compared with new ones alone, unless its nearest is gone.
        """
        fresh = np.ones(len(self.references), dtype=np.bool_)
        fresh[place[place >= 0]] = False
        new = np.flatnonzero(fresh)
        self._carry_fitted(before, place, new)
        for other, known in before.known_near.items():
            rows = self._asked(other)
            now, stay = np.full(len(self.references), -1), place[known.rows] >= 0
            now[place[known.rows[stay]]] = np.flatnonzero(stay)
            at = now[rows]  # −1, the last of what is appended, where a row was not asked before
            was = Near(rows, np.append(known.nearest, -1)[at], np.append(known.cosines, -np.inf)[at])
            anew, among_new = (
                partial(self._nearest, other=other),
                partial(self._nearest, other=other, among=new),
            )
            self.known_near[other] = updated(was, place, new, anew, among_new)
        if before.outside is not None:
            vectors, known = before.outside
            table = self.references.blocks.units_at(new)

            def among(rows: NDArray[np.int64]) -> Found:
                found, cosines = nearest(table, unit(vectors[rows]))
                return new[found], cosines

            self.outside = vectors, updated(known, place, new, lambda rows: self.why(vectors[rows]), among)

    def _carry_fitted(self, before: Scorer, place: NDArray[np.int64], new: NDArray[np.int64]) -> None:
        """Takes over the solution of the head of ``before`` where it says how: classes that changed are solved anew."""
        import torch

        carried = getattr(before.__dict__.get("fitted"), "carried", None)
        if carried is None or self.names is not None:
            return
        labels, stay = self.references.labels, place >= 0
        origin = np.full(len(self.references.class_names), -1)
        origin[labels[place[stay]]] = before.references.labels[stay]
        origin[np.isin(origin, before.references.labels[~stay])] = -1
        origin[labels[new]] = -1
        support = self.support[origin < 0]
        table = torch.from_numpy(self.references.blocks.rows_at(support[support >= 0])).to(self.device)
        support[support >= 0] = np.arange(len(table))
        with guard_of(self.method)("fitted"):
            self.__dict__["fitted"] = carried(origin, table, support)

    def _asked(self, other: str) -> NDArray[np.int64]:
        """Returns at most ``ASKED`` references in order; most of them stay when others come or go."""
        references = self.references
        rows = np.flatnonzero(references.held) if other == "content" else np.arange(len(references))
        if len(rows) <= ASKED:
            return rows
        keys = np.ascontiguousarray(references.digests[:, :8]).view("<u8")[rows, 0]
        last = np.partition(keys, ASKED - 1)[ASKED - 1]
        below, level = rows[keys < last], rows[keys == last]
        return np.sort(np.concatenate([below, level[: ASKED - len(below)]]))

    def _nearest(
        self, rows: NDArray[np.int64], other: str, among: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Returns the nearest reference of another content or product, and its cosine, for ``rows``.

        With ``among`` [L] it is one of these rows.
        """
        references = self.references
        apart = references.groups if other == "content" else references.labels.astype(np.int64)
        queries = references.blocks.units_at(rows)
        if among is None:
            return references.blocks.nearest(queries, np.concatenate([apart[rows], apart]))
        table = references.blocks.units_at(among)
        found, cosines = nearest(table, queries, np.concatenate([apart[rows], apart[among]]))
        return np.where(found >= 0, among[found], -1), cosines


def resampled(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns as many values, sorted: those at evenly spaced places of their weighted distribution."""
    order = np.argsort(values, kind="stable")
    ends = np.cumsum(weights[order])
    places = (np.arange(len(values)) + 0.5) / max(1, len(values)) * (ends[-1] if len(ends) else 1)
    return values[order[np.minimum(np.searchsorted(ends, places), len(values) - 1)]]
