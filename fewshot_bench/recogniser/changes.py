"""Who loses by another product: references of the others, asked without themselves, before and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from fewshot_bench.recogniser.scorer import Scorer


@dataclass(frozen=True)
class Change:
    """A product of which more or fewer references are recognised than before.

    Of ``asked`` references, each asked without itself, ``before`` and ``after`` are recognised; ``taken_by`` names the
    products that now have those which were recognised before.
    """

    name: str
    asked: int
    before: int
    after: int
    taken_by: tuple[str, ...]

    @property
    def loses(self) -> bool:
        """Whether fewer are recognised than before."""
        return self.after < self.before

    def __str__(self) -> str:
        """Returns a sentence for a person."""
        taken = f", taken by {', '.join(map(repr, self.taken_by))}" if self.taken_by else ""
        return (
            f"{self.name}: {self.after} of {self.asked} references recognised, {self.before} before{taken}."
        )


def changes(before: Scorer, after: Scorer) -> tuple[Change, ...]:
    """Returns the products of ``before`` whose references are recognised otherwise, those that lose most first.

    Only references that are asked both times count; they are matched by product, content and path.
    """
    known = {key: right for key, _, right in _answers(before)}
    counts: dict[str, list[int]] = {}
    taken: dict[str, set[str]] = {}
    for key, answer, right in _answers(after):
        if key not in known:
            continue
        name = key[0]
        count = counts.setdefault(name, [0, 0, 0])
        for place, value in enumerate((1, known[key], right)):
            count[place] += value
        if known[key] and not right:
            taken.setdefault(name, set()).add(answer)
    found = [
        Change(name, asked, was, now, tuple(sorted(taken.get(name, ()))))
        for name, (asked, was, now) in counts.items()
        if was != now
    ]
    return tuple(sorted(found, key=lambda change: (change.after - change.before, change.name)))


def _answers(scorer: Scorer) -> list[tuple[tuple[str, bytes, str], str, bool]]:
    """Returns (product, content, path), the answer and whether it is right, of each reference that is asked."""
    references, (rows, scores) = scorer.references, scorer.held
    names = references.class_names
    answers = scores.argmax(axis=1) if len(rows) else np.zeros(0, dtype=np.int64)
    found = []
    for row, answer in zip(rows.tolist(), answers.tolist(), strict=True):
        label = int(references.labels[row])
        key = (names[label], references.digests[row].tobytes(), references.paths[row])
        found.append((key, names[answer], answer == label))
    return found
