"""Comparison: the paired difference of two records, or of the means over trainings of two, on the same episodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fewshot_bench.errors import UsageError
from fewshot_bench.metrics import Interval, paired_deletion_interval, paired_episode_interval
from fewshot_bench.notebook import grid
from fewshot_bench.records import Record, printable
from fewshot_bench.report.measure import mean_deletion, mean_episodes


@dataclass(frozen=True)
class Difference:
    """first − second (1 is 100 points), with 95 % intervals over the same episodes and over classes."""

    name: str
    over_episodes: Interval
    over_classes: Interval

    @property
    def decisive(self) -> Interval:
        """The interval over classes where there is one, else the one over episodes."""
        return self.over_classes if self.over_classes.low is not None else self.over_episodes

    @property
    def sign(self) -> int:
        """1 where the decisive interval is above zero, −1 where it is below, 0 where it holds zero or is missing."""
        return (0 if not self.decisive.excludes_zero else 1) * (1 if self.decisive.mean > 0 else -1)

    @property
    def above_zero(self) -> bool:
        """Whether the first is better and the decisive interval excludes zero."""
        return self.sign > 0


@dataclass(frozen=True)
class Comparison:
    """Two records of the same episodes, accuracy and mAP."""

    first: str
    second: str
    accuracy: Difference
    map: Difference | None

    def to_json(self) -> dict[str, Any]:
        """Returns plain dictionaries."""
        return asdict(self)

    def _repr_html_(self) -> str:
        """Returns what a notebook shows: the differences in points with their intervals."""
        rows = []
        for one in filter(None, (self.accuracy, self.map)):
            for over in (one.over_episodes, one.over_classes):
                if over.low is None or over.high is None:
                    rows.append((one.name, "", "", over.reason))
                else:
                    ends = f"{100 * over.low:+.2f} to {100 * over.high:+.2f}"
                    rows.append((one.name, f"{100 * over.mean:+.2f}", ends, over.kind))
        return grid(f"{self.first} − {self.second}, in points", ("", "difference", "95 %", "over"), rows)

    def text(self) -> str:
        """Returns a few lines for a person, in points."""
        lines = [f"{self.first} − {self.second}, in points:"]
        for difference in filter(None, (self.accuracy, self.map)):
            for interval in (difference.over_episodes, difference.over_classes):
                if interval.low is None or interval.high is None:
                    lines.append(f"{difference.name:<9} {interval.reason}")
                else:
                    low_high = f"[{100 * interval.low:+.2f}, {100 * interval.high:+.2f}]"
                    lines.append(
                        f"{difference.name:<9} {100 * interval.mean:+6.2f}  {low_high}  {interval.kind}"
                    )
        return "\n".join(lines)


def difference(first: Sequence[Record], second: Sequence[Record], measure: str) -> Difference | None:
    """Returns the difference of the means over the trainings of each; None where the support was not ranked."""
    a, b = mean_episodes(first, measure), mean_episodes(second, measure)
    if a is None or b is None:
        return None
    return Difference(
        "mAP" if measure == "map" else measure,
        paired_episode_interval(a, b),
        paired_deletion_interval(mean_deletion(first, measure), mean_deletion(second, measure)),
    )


def compare_records(first: Record, second: Record) -> Comparison:
    """Returns first − second in accuracy and mAP; UsageError where they were not run on the same episodes."""
    if first.episodes_sha256 != second.episodes_sha256:
        raise UsageError(
            printable(
                f"The two records are of different episodes ({first.episodes_sha256[:16]} of {first.dataset} and "
                f"{second.episodes_sha256[:16]} of {second.dataset}); compare runs on the same episodes."
            )
        )
    accuracy = difference([first], [second], "accuracy")
    assert accuracy is not None
    return Comparison(first.method, second.method, accuracy, difference([first], [second], "map"))
