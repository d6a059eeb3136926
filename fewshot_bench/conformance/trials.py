"""Trials of what the scores of a method may not depend on, on a few episodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.episodes.tasks import Tasks

Floats = NDArray[np.floating[Any]]
Solve = Callable[[Tasks], Floats]
"""Tasks -> class scores [E, Q, N], as a method gives them."""

TOLERANCE = 1e-3
"""The share of the range of an episode's scores that sums in another order may change."""

AGREE = 0.5
"""The share of predictions that an order of classes or pictures may not change, for a method that trains a
network on each episode.
"""

LONE = 4
"""The number of queries that are scored alone."""


@dataclass(frozen=True)
class Trial:
    """One thing that was tried, and its verdict.

    The verdict is ``holds``, ``note`` (it holds for most predictions), ``fails`` or ``declared`` (it need not
    hold).
    """

    check: str
    verdict: Literal["holds", "note", "fails", "declared"]
    text: str

    def to_json(self) -> dict[str, Any]:
        """Returns the fields as a dictionary that JSON can hold."""
        return asdict(self)


def trials(solve: Solve, tasks: Tasks, *, transductive: bool) -> Iterator[Trial]:
    """Yields all trials on episodes of at least 2 queries and 2 shots, without padding.

    ``transductive`` is what the method declares.
    """
    scores = solve(tasks)
    again = solve(tasks)
    same = np.array_equal(scores, again)
    yield Trial(
        "repeat",
        "holds" if same else "fails",
        "The same episodes have the same scores, to the last bit."
        if same
        else f"The same episodes, scored again, have other scores: {apart(scores, again)}.",
    )
    yield equal(
        "batch",
        "Episodes scored one by one have the scores of a batch",
        scores,
        np.concatenate([solve(tasks[e : e + 1]) for e in range(len(tasks))]),
    )
    more = padded(tasks)
    yield equal("padding", "Padding changes nothing", scores, solve(more)[:, :-1])
    alone = [solve(Tasks(tasks.support[:1], tasks.query[:1, q : q + 1])) for q in range(LONE)]
    part = scores[:1, :LONE]
    yield unless_declared(
        transductive,
        equal("alone", "A query alone has the scores it has among others", part, np.concatenate(alone, 1)),
    )
    backwards = solve(Tasks(tasks.support, tasks.query[:, ::-1].copy()))[:, ::-1]
    yield unless_declared(
        transductive, equal("query order", "The order of queries changes nothing", scores, backwards)
    )
    order = np.roll(np.arange(tasks.ways), 1)
    turned = np.empty_like(scores)
    turned[:, :, order] = solve(Tasks(tasks.support[:, order], tasks.query))
    yield mostly_equal("class order", "The order of classes moves their scores along", scores, turned)
    reversed_shots = Tasks(tasks.support[:, :, ::-1].copy(), tasks.query)
    yield mostly_equal(
        "shot order", "The order of support pictures changes nothing", scores, solve(reversed_shots)
    )


def padded(tasks: Tasks) -> Tasks:
    """Returns the episodes with room for one more shot and one more query."""
    blank = [(0, 0)] * 2 + [(0, 1)]
    return Tasks(
        np.pad(tasks.support, blank, constant_values=-1), np.pad(tasks.query, blank[1:], constant_values=-1)
    )


def difference(scores: Floats, others: Floats) -> float:
    """Returns the largest difference, as a share of the range of its episode's scores; it is infinite for NaN."""
    axes = (1, 2)
    spread = scores.max(axis=axes, initial=-np.inf) - scores.min(axis=axes, initial=np.inf)
    gap = np.abs(scores - others).max(axis=axes)
    share = np.where(gap == 0, 0.0, gap / np.maximum(spread, np.finfo(np.float64).tiny))
    return float(np.nan_to_num(share, nan=np.inf).max())


def agreement(scores: Floats, others: Floats) -> float:
    """Returns the share of queries with the same prediction."""
    return float((scores.argmax(2) == others.argmax(2)).mean())


def apart(scores: Floats, others: Floats) -> str:
    """Returns how far scores are from others, in words."""
    changed = 1 - agreement(scores, others)
    return f"up to {difference(scores, others):.1%} of their range, {changed:.0%} of the predictions"


def equal(check: str, claim: str, scores: Floats, others: Floats) -> Trial:
    """Returns a trial that holds when scores are equal but for rounding."""
    if (gap := difference(scores, others)) <= TOLERANCE:
        text = f"{claim}, within {gap:.0e} of their range." if gap else f"{claim}."
        return Trial(check, "holds", text)
    return Trial(check, "fails", f"{claim}? No: they differ by {apart(scores, others)}.")


def mostly_equal(check: str, claim: str, scores: Floats, others: Floats) -> Trial:
    """Returns a trial that holds when scores are equal, and is a note when most predictions are."""
    found = equal(check, claim, scores, others)
    if found.verdict == "holds" or agreement(scores, others) < AGREE:
        return found
    text = f"{claim}, but for {apart(scores, others)}, as a training on each episode does."
    return Trial(check, "note", text)


def unless_declared(transductive: bool, trial: Trial) -> Trial:
    """Returns the trial, or ``declared`` for a transductive method: its queries may depend on each other."""
    if not transductive:
        return trial
    text = (
        "Declared transductive, and is."
        if trial.verdict == "fails"
        else "Declared transductive, and is not here."
    )
    return replace(trial, verdict="declared", text=text)
