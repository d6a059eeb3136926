"""The images of each class that may be drawn as support and as query, and which of them exclude each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

SUPPORT, QUERY = 1, 2
"""The bits of ``ImageArrays.pools``."""


class ImageArrays(Protocol):
    """The arrays of a data set that the sampler reads; an ``ImageIndex`` has them and documents them."""

    @property
    def name(self) -> str: ...
    @property
    def class_names(self) -> tuple[str, ...]: ...
    @property
    def labels(self) -> NDArray[np.int32]: ...
    @property
    def pools(self) -> NDArray[np.uint8]: ...
    @property
    def groups(self) -> NDArray[np.int64]: ...
    @property
    def positions(self) -> NDArray[np.int64]: ...
    @property
    def guards(self) -> NDArray[np.int64]: ...
    @property
    def fingerprint(self) -> str: ...


@dataclass(frozen=True, eq=False)
class ClassPool:
    """The n images of one class that may be drawn, S of them as support and T as query.

    Parameters
    ----------
    number, name : the class.
    rows : int64 [n], row numbers in the index.
    support, query : columns of ``rows``, [S] and [T].
    twin : [S], the place of the same image among the T, or −1.
    support_groups, query_groups, support_positions, query_positions, guard : values of the index.
    simple : whether a support image excludes no query image but itself.
    support_spanning, query_spanning : bool, whether the image's group spans classes and could be split between
        the support of one and the query of another.
    """

    number: int
    name: str
    rows: NDArray[np.int64]
    support: NDArray[np.intp]
    query: NDArray[np.intp]
    twin: NDArray[np.intp]
    support_groups: NDArray[np.int64]
    query_groups: NDArray[np.int64]
    support_positions: NDArray[np.int64]
    query_positions: NDArray[np.int64]
    guard: int
    simple: bool
    support_spanning: NDArray[np.bool_]
    query_spanning: NDArray[np.bool_]

    @property
    def spanning(self) -> bool:
        """Whether some image's group spans classes."""
        return bool(self.support_spanning.any() or self.query_spanning.any())

    @property
    def shared(self) -> int:
        """The number of images that may stand on either side."""
        return int((self.twin >= 0).sum())

    def excluded(self, picks: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Returns bool [B, T]: the query images that each of B support images excludes (itself, group, guard)."""
        excluded: NDArray[np.bool_] = self.support_groups[picks, None] == self.query_groups
        if self.guard > 0:
            excluded |= np.abs(self.support_positions[picks, None] - self.query_positions) < self.guard
        return excluded

    def describe(self) -> str:
        """Returns the class and its counts, for a message."""
        counts = f"{len(self.support)} for support, {len(self.query)} for query"
        if not self.simple:
            counts += f", in {len(np.union1d(self.support_groups, self.query_groups))} groups"
            counts += f" with a guard of {self.guard}" if self.guard > 0 else ""
        return f"'{self.name}' ({counts})"


def class_pools(index: ImageArrays) -> list[ClassPool]:
    """Returns one ``ClassPool`` for each class of the index, in order."""
    groups = np.unique(index.groups, return_inverse=True)[1].astype(np.int64).reshape(-1)
    spanning = _spanning_groups(index, groups)
    order = np.argsort(index.labels, kind="stable")
    bounds = np.searchsorted(index.labels[order], np.arange(len(index.class_names) + 1))
    pools = []
    for number, name in enumerate(index.class_names):
        rows = order[bounds[number] : bounds[number + 1]]
        rows = rows[index.pools[rows] > 0].astype(np.int64)
        support = np.flatnonzero(index.pools[rows] & SUPPORT)
        query = np.flatnonzero(index.pools[rows] & QUERY)
        place = np.full(len(rows), -1, dtype=np.intp)
        place[query] = np.arange(len(query))
        here, positions, guard = groups[rows], index.positions[rows], int(index.guards[number])
        pools.append(
            ClassPool(
                number=number,
                name=name,
                rows=rows,
                support=support,
                query=query,
                twin=place[support],
                support_groups=here[support],
                query_groups=here[query],
                support_positions=positions[support],
                query_positions=positions[query],
                guard=guard,
                simple=_groups_apart(here, support, query)
                and (guard <= 0 or _guard_idle(positions, support, query, guard)),
                support_spanning=spanning[here[support]],
                query_spanning=spanning[here[query]],
            )
        )
    return pools


def _spanning_groups(index: ImageArrays, groups: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Returns bool [G]: whether a support image of one class and a query image of another belong to the group."""
    count = int(groups.max(initial=-1)) + 1
    first, last = np.full(count, np.iinfo(np.int64).max), np.full(count, -1, dtype=np.int64)
    usable = index.pools > 0
    np.minimum.at(first, groups[usable], index.labels[usable])
    np.maximum.at(last, groups[usable], index.labels[usable])
    several = last > first
    for bit in (SUPPORT, QUERY):
        held = np.zeros(count, dtype=bool)
        held[groups[(index.pools & bit) > 0]] = True
        several &= held
    return several


def _groups_apart(groups: NDArray[np.int64], support: NDArray[np.intp], query: NDArray[np.intp]) -> bool:
    """Returns whether no group of the class holds both a support image and another image that may be a query."""
    _, group, size = np.unique(groups, return_inverse=True, return_counts=True)
    held = np.zeros((2, len(size)), dtype=bool)
    held[0, group.reshape(-1)[support]] = True
    held[1, group.reshape(-1)[query]] = True
    return not bool((held.all(axis=0) & (size > 1)).any())


def _guard_idle(
    positions: NDArray[np.int64], support: NDArray[np.intp], query: NDArray[np.intp], guard: int
) -> bool:
    """Returns whether no support image has another query image fewer than ``guard`` positions away."""
    lane = np.sort(positions[query])
    near = np.searchsorted(lane, positions[support] + guard, "left")
    near -= np.searchsorted(lane, positions[support] - guard, "right")
    return bool((near == np.isin(support, query)).all())
