"""Contest: several methods of one table compared with each other, in sentences and as a matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.metrics import adjusted
from fewshot_bench.records import Record
from fewshot_bench.report.comparison import Difference, difference
from fewshot_bench.report.leaderboard import Standing, Table
from fewshot_bench.report.ranking import pairs

LEVEL = 0.05


@dataclass(frozen=True, eq=False)
class Contest:
    """Standings of one table, best first, and their paired differences in what the table is ranked by."""

    table: Table

    @property
    def standings(self) -> tuple[Standing, ...]:
        """The methods that are compared."""
        return self.table.standings

    @property
    def measure(self) -> str:
        """The measure that is compared: ``accuracy`` or ``map``."""
        return "map" if self.standings[0].headline[0] == "mAP" else "accuracy"

    @cached_property
    def p_values(self) -> NDArray[np.float64]:
        """The p-values ``[M, M]`` of all pairs, with Holm's correction for their number."""
        return adjusted(pairs([one.trainings for one in self.standings], self.measure))

    def difference(self, first: int, second: int) -> Difference:
        """Returns first − second with its intervals, by their places."""
        found = difference(self.standings[first].trainings, self.standings[second].trainings, self.measure)
        assert found is not None
        return found

    def sentence(self, first: int, second: int) -> str:
        """Returns who is better by how much, or that the two cannot be told apart."""
        a, b = self.standings[first].label, self.standings[second].label
        found = self.difference(first, second)
        over = found.decisive
        what = "for new classes" if over is found.over_classes else "over these episodes"
        points = f"{abs(100 * over.mean):.1f} point{'' if f'{abs(100 * over.mean):.1f}' == '1.0' else 's'}"
        if over.low is None or over.high is None:
            return f"{a} is {points} above {b}, and whether that is chance cannot be said: {over.reason}"
        low, high = 100 * over.low, 100 * over.high
        if self.p_values[first, second] <= LEVEL and over.mean != 0:
            if over.mean < 0:
                a, b, low, high = b, a, -high, -low
            return f"{a} is better than {b} by {points}, {low:.1f} to {high:.1f} {what}."
        return f"{a} and {b} cannot be told apart: {100 * over.mean:+.1f} points, {low:+.1f} to {high:+.1f} {what}."

    def sentences(self) -> list[str]:
        """Returns a sentence for each pair of neighbours, best first, and one on the correction where it matters."""
        said = [self.sentence(place, place + 1) for place in range(len(self.standings) - 1)]
        count = len(self.standings)
        if count > 2:
            number = count * (count - 1) // 2
            said.append(
                f"Which differences count is corrected for all {number} pairs (Holm, 5 %); each interval is that of "
                "its pair alone."
            )
        return said

    def matrix(self) -> list[list[str]]:
        """Returns the differences row − column in points, marked ``*`` where they count; the diagonal is empty."""
        means = [one.headline[1].mean for one in self.standings]
        return [
            [
                ""
                if i == j
                else f"{100 * (means[i] - means[j]):+.1f}{'*' if self.p_values[i, j] <= LEVEL else ''}"
                for j in range(len(means))
            ]
            for i in range(len(means))
        ]

    def to_json(self) -> dict[str, Any]:
        """Returns plain values: the methods, their differences, the corrected p-values."""
        return {
            "title": self.table.title,
            "measure": self.measure,
            "methods": [one.label for one in self.standings],
            "means": [one.headline[1].mean for one in self.standings],
            "p_values": self.p_values.tolist(),
            "sentences": self.sentences(),
        }


def by_class(records: Sequence[Record]) -> dict[str, list[float | None]]:
    """Returns the accuracy of each class, 0…1, of several records of the same episodes; the largest spread first.

    A class is named where a record knows its name, else by its number.
    """
    from fewshot_bench.records.classes import class_accuracy

    each = [class_accuracy(record) for record in records]
    names = {name for found in each for name in found}
    rows = {name: [found.get(name) for found in each] for name in names}

    def spread(name: str) -> float:
        known = [value for value in rows[name] if value is not None]
        return max(known) - min(known) if known else 0.0

    return {name: rows[name] for name in sorted(names, key=lambda name: (-spread(name), name))}
