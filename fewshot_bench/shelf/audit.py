"""References held against each other: which are doubtful, which products need more, which look alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.prediction.nearest import nearest, nearest_other, unit
from fewshot_bench.recogniser.references import References

LARGEST = 8
"""Products of the largest family."""


@dataclass(frozen=True)
class Doubt:
    """A reference that lies nearer to another product than to its own; rows are those of the references.

    ``margin`` is the cosine with its nearest reference of another product less that of its own, and ``harms`` counts
    references of other products that are nearest to this one and not to one of their own. ``mean_too`` says whether
    the mean of the other product is nearer as well than that of two or more others of its own: then it may be
    mislabelled. Of two references of a product nobody can say which is the odd one.
    """

    row: int
    other: int
    margin: float
    harms: int
    mean_too: bool


@dataclass(frozen=True)
class Need:
    """A product that needs another picture: ``asked`` references without themselves, ``right`` of them recognised.

    ``margin`` is the median of how much nearer its references lie to each other than to another product, NaN where none
    can be asked.
    """

    product: int
    references: int
    asked: int
    right: int
    margin: float


@dataclass(frozen=True)
class ReferenceAudit:
    """``doubts``, the worst first; ``needs``, the neediest first; ``twins``, rows of equal content in two products.

    ``families`` are products that look alike, at most ``LARGEST`` each, and ``alike`` the least cosine of two means in
    a family. ``rows`` [M] and ``accuracy`` say how many references are recognised by their nearest other one.
    """

    doubts: tuple[Doubt, ...]
    needs: tuple[Need, ...]
    twins: tuple[tuple[int, ...], ...]
    families: tuple[tuple[int, ...], ...]
    alike: float
    asked: int
    right: int


def own_cosine(units: NDArray[np.float32], references: References) -> NDArray[np.float64]:
    """Returns the greatest cosine [M] with another content of the same product; NaN where there is none."""
    groups, found = references.groups, np.full(len(references), np.nan)
    for support in references.support:
        rows = support[support >= 0]
        _, value = nearest(units[rows], units[rows], np.concatenate([groups[rows], groups[rows]]))
        found[rows] = np.where(np.isfinite(value), value, np.nan)
    return found


def audit(references: References) -> ReferenceAudit:
    """Returns what the references say of themselves; memory holds a block of cosines at a time, never M × M.

    Nothing is approximate: every two references are compared, once.
    """
    units, labels = references.blocks.units(), references.labels
    other, cosine = nearest_other(units, labels)
    own = own_cosine(units, references)
    asked = np.isfinite(own)
    wrong = asked & (cosine > own)
    harms = np.bincount(other[wrong], minlength=len(references))
    means, counts = means_of(units, labels)
    doubts = []
    for row in np.flatnonzero(wrong | (harms > 1)).tolist():
        mine, theirs = int(labels[row]), int(labels[other[row]])
        rest = means[mine] * counts[mine] - units[row]  # its own product without it
        mean_too = bool(
            wrong[row]
            and counts[mine] > 2
            and units[row] @ unit(means[[theirs]])[0] > units[row] @ unit(rest[None])[0]
        )
        margin = float(cosine[row] - own[row]) if asked[row] else 0.0
        doubts.append(Doubt(row, int(other[row]), margin, int(harms[row]), mean_too))
    doubts.sort(key=lambda doubt: (not doubt.mean_too, -doubt.harms, -doubt.margin, doubt.row))
    families, alike = families_of(unit(means), confusions(labels, other, wrong))
    return ReferenceAudit(
        tuple(doubts),
        needs_of(references, own, cosine, asked, wrong),
        twins_of(references),
        families,
        alike,
        int(asked.sum()),
        int((asked & ~wrong).sum()),
    )


def means_of(
    units: NDArray[np.float32], labels: NDArray[np.int32]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Returns the mean [N, D] and the number [N] of the references of each product."""
    counts = np.bincount(labels)
    starts = np.cumsum(counts) - counts
    ordered = units if (np.diff(labels) >= 0).all() else units[np.argsort(labels, kind="stable")]
    return (np.add.reduceat(ordered, starts, axis=0) / counts[:, None]).astype(np.float32), counts


def needs_of(references: References, own: Any, cosine: Any, asked: Any, wrong: Any) -> tuple[Need, ...]:
    """Returns products of one content, and those of which fewer than three quarters are recognised."""
    found = []
    for product, support in enumerate(references.support):
        rows = support[support >= 0]
        held = rows[asked[rows]]
        right = int((~wrong[held]).sum())
        if len(held) and right >= 0.75 * len(held):
            continue
        margin = float(np.median((own - cosine)[held])) if len(held) else float("nan")
        found.append(Need(product, len(rows), len(held), right, margin))
    share = {need.product: need.right / need.asked if need.asked else -1.0 for need in found}
    return tuple(sorted(found, key=lambda need: (share[need.product], need.references, need.margin)))


def twins_of(references: References) -> tuple[tuple[int, ...], ...]:
    """Returns the rows of each content that two products have."""
    _, content = np.unique(references.digests, axis=0, return_inverse=True)
    rows: dict[int, list[int]] = {}
    for row, number in enumerate(content.reshape(-1).tolist()):
        rows.setdefault(number, []).append(row)
    several = (tuple(group) for group in rows.values() if len(group) > 1)
    return tuple(group for group in several if len({int(references.labels[row]) for row in group}) > 1)


def confusions(labels: Any, other: Any, wrong: Any) -> dict[tuple[int, int], int]:
    """Returns how often references of one of two products lie nearer to the other, by the pair in order."""
    counted: dict[tuple[int, int], int] = {}
    for mine, theirs in zip(labels[wrong].tolist(), labels[other[wrong]].tolist(), strict=True):
        pair = (min(mine, theirs), max(mine, theirs))
        counted[pair] = counted.get(pair, 0) + 1
    return counted


def families_of(
    means: NDArray[np.float32], confused: dict[tuple[int, int], int]
) -> tuple[tuple[tuple[int, ...], ...], float]:
    """Returns families of products that look alike, the largest first, and the least cosine within one.

    Pairs that are confused, and each product with its nearest by the mean, are joined most alike first, as long as all
    means of a family have at least the median cosine of those pairs (complete linkage) and it has ``LARGEST`` or fewer.
    """
    if not len(means):
        return (), 1.0
    numbers = np.arange(len(means))
    near, value = nearest(means, means, np.concatenate([numbers, numbers]))
    pairs = {(min(a, b), max(a, b)) for a, b in zip(numbers.tolist(), near.tolist(), strict=True) if b >= 0}
    edges = sorted(pairs | set(confused), key=lambda p: (-float(means[p[0]] @ means[p[1]]), p))
    alike = float(np.median([float(means[a] @ means[b]) for a, b in confused] or [max(value.max(), 0.9)]))
    family: dict[int, list[int]] = {}
    for a, b in edges:
        first, second = family.get(a, [a]), family.get(b, [b])
        if first is second or len(first) + len(second) > LARGEST:
            continue
        if float((means[first] @ means[second].T).min()) < alike:
            continue
        joined = sorted(first + second)
        for member in joined:
            family[member] = joined
    distinct = {id(group): tuple(group) for group in family.values()}
    return tuple(sorted(distinct.values(), key=lambda group: (-len(group), group))), alike
