"""Who loses by another product: references of the others, asked without themselves, before and after."""

from __future__ import annotations

from dataclasses import dataclass

from fewshot_bench.recogniser.scorer import ONE_BY_ONE, Scorer

Key = tuple[str, bytes, str]
"""A reference by its product, its content and its path."""


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

    Only references that can be asked both times count; they are matched by product, content and path. Answers are
    those of the method; where there are more than ``ONE_BY_ONE`` references, which the method takes long to be asked
    about one by one, they are those of the nearest other reference.
    """
    exact = max(len(before.references), len(after.references)) <= ONE_BY_ONE
    first = _answers(before, exact, None)
    second = _answers(after, exact, set(first))
    counts: dict[str, list[int]] = {}
    taken: dict[str, set[str]] = {}
    for key, (answer, right) in second.items():
        name, was = key[0], first[key][1]
        count = counts.setdefault(name, [0, 0, 0])
        for place, value in enumerate((1, was, right)):
            count[place] += value
        if was and not right:
            taken.setdefault(name, set()).add(answer)
    found = [
        Change(name, asked, was, now, tuple(sorted(taken.get(name, ()))))
        for name, (asked, was, now) in counts.items()
        if was != now
    ]
    return tuple(sorted(found, key=lambda change: (change.after - change.before, change.name)))


def _answers(scorer: Scorer, exact: bool, only: set[Key] | None) -> dict[Key, tuple[str, bool]]:
    """Returns the answer, and whether it is right, for references without themselves; of ``only`` those, or some."""
    references = scorer.references
    names, labels = references.class_names, references.labels
    if exact:
        rows, scores = scorer.held
        answers = scores.argmax(axis=1) if len(rows) else rows
    else:
        rows, near, _ = scorer.near("content")
        answers = labels[near]
    keys = {
        row: (names[labels[row]], references.digests[row].tobytes(), references.paths[row])
        for row in rows.tolist()
    }
    return {
        keys[row]: (names[answer], answer == labels[row])
        for row, answer in zip(rows.tolist(), answers.tolist(), strict=True)
        if only is None or keys[row] in only
    }
