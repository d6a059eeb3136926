"""EpisodeSpec: the counts and the seed of a set of episodes, before any data set is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from fewshot_bench.errors import UsageError
from fewshot_bench.protocols import Count

MAX_EPISODES = 10**9

OPEN_SET = "open-set"
"""The sampler whose episodes have queries of classes without support (``open_set.py``)."""


@dataclass(frozen=True)
class EpisodeSpec:
    """Ways, shots and queries of a set of episodes, their number, and the seed that draws them.

    Parameters
    ----------
    ways : classes of an episode, at least 2, or ``all``.
    shots : support images of a class, at least 1, or ``all`` (needs a fixed train/test split).
    queries : query images of a class, at least 1, or ``all`` admissible ones.
    episodes : number of episodes, 1 to 10⁹.
    seed : 0 to 2⁶⁴ − 1.
    variable : draw ways and shots anew in each episode, as Meta-Dataset does (``variable.py``); then
        ways, shots and queries are ``all``.
    drop_small : leave out classes that are too small, and record them, instead of refusing.
    sampler : the name of what draws the episodes (``own.py``); empty is the suite's own sampler, and then JSON has no
        such field. With a sampler, ways, shots and queries are limits.

    Raises UsageError with one sentence for a value out of range.
    """

    ways: Count
    shots: Count
    queries: Count
    episodes: int
    seed: int
    variable: bool = False
    drop_small: bool = False
    sampler: str = ""

    def __post_init__(self) -> None:
        for name, least in (("ways", 2), ("shots", 1), ("queries", 1)):
            value = getattr(self, name)
            if value != "all" and (not _whole(value) or value < least):
                raise UsageError(
                    f"{name} must be a whole number of at least {least}, or 'all', not {value!r}."
                )
        if not _whole(self.episodes) or not 1 <= self.episodes <= MAX_EPISODES:
            raise UsageError(
                f"episodes must be a whole number from 1 to {MAX_EPISODES}, not {self.episodes!r}."
            )
        if not _whole(self.seed) or not 0 <= self.seed < 2**64:
            raise UsageError(f"seed must be a whole number from 0 to 2**64 - 1, not {self.seed!r}.")
        for name in ("variable", "drop_small"):
            if not isinstance(getattr(self, name), bool):
                raise UsageError(f"{name} must be true or false, not {getattr(self, name)!r}.")
        if not isinstance(self.sampler, str):
            raise UsageError(f"sampler must be a name, not {self.sampler!r}.")
        if self.variable and self.sampler:
            raise UsageError(
                f"variable episodes are drawn by the suite's own sampler, and the sampler {self.sampler!r} was asked "
                "for; leave one of the two out."
            )
        if self.variable and not self.ways == self.shots == self.queries == "all":
            raise UsageError(
                "variable episodes draw their own ways, shots and queries: set all three to 'all', "
                f"not {self.ways!r}, {self.shots!r} and {self.queries!r}."
            )

    @property
    def open_set(self) -> bool:
        """Whether an episode may have as many further classes as ``ways``, with queries and without support."""
        return self.sampler == OPEN_SET

    def to_json(self) -> dict[str, Any]:
        """Returns the fields as a dictionary that JSON can hold, without ``sampler`` where it is empty."""
        return {name: value for name, value in asdict(self).items() if name != "sampler" or value}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> EpisodeSpec:
        """Returns the spec of such a dictionary.

        Raises UsageError for a field that is missing, unknown or out of range.
        """
        known = {field.name for field in fields(cls)}
        if odd := sorted(known.symmetric_difference({"sampler": "", **values})):
            raise UsageError(
                f"an episode spec has exactly the fields {', '.join(sorted(known))}; missing or unknown: "
                f"{', '.join(odd)}."
            )
        return cls(**values)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
