"""Comparison: the paired difference of two records of the same episodes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import UsageError
from fewshot_bench.metrics import (
    Interval,
    episode_means,
    paired_class_interval,
    paired_episode_interval,
)
from fewshot_bench.records import Record


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
    def above_zero(self) -> bool:
        """Whether the first is better and the decisive interval excludes zero."""
        return self.decisive.low is not None and self.decisive.low > 0


@dataclass(frozen=True)
class Comparison:
    """Two records of the same episodes, accuracy and mAP."""

    first: str
    second: str
    accuracy: Difference
    map: Difference | None

    def to_json(self) -> dict[str, Any]:
        """As plain dictionaries."""
        return asdict(self)

    def text(self) -> str:
        """A few lines for a person, in points."""
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


def hits(record: Record) -> NDArray[np.float64]:
    """1 where a query was predicted right, 0 where wrong, [E, Q]; padding is 0 and no label."""
    return np.asarray(record.per_query["prediction"] == record.per_query["label"], dtype=np.float64)


def compare_records(first: Record, second: Record) -> Comparison:
    """first − second in accuracy and mAP; UsageError when they were not run on the same episodes."""
    if first.episodes_sha256 != second.episodes_sha256:
        raise UsageError(
            f"The two records are of different episodes ({first.episodes_sha256[:16]} of {first.dataset} and "
            f"{second.episodes_sha256[:16]} of {second.dataset}); compare runs on the same episodes."
        )
    ranked = "ap" in first.per_query and "ap" in second.per_query
    labels, classes = first.per_query["label"], first.arrays["classes"]

    def difference(name: str, a: NDArray[Any], b: NDArray[Any]) -> Difference:
        return Difference(
            name,
            paired_episode_interval(episode_means(a, labels), episode_means(b, labels)),
            paired_class_interval(a, b, labels, classes),
        )

    return Comparison(
        first=first.method,
        second=second.method,
        accuracy=difference("accuracy", hits(first), hits(second)),
        map=difference("mAP", first.per_query["ap"], second.per_query["ap"]) if ranked else None,
    )
