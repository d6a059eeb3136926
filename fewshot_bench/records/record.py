"""Record, schema v1: what was run, on which episodes, with what outcome, and how to run it again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from fewshot_bench.errors import FsbenchError

SCHEMA_VERSION = 1

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Score:
    """A mean over episodes (0…1) with two 95 % intervals, each of which says what it is over.

    ``ci95`` is the half-width of the closed interval over episodes, None with a single episode;
    ``class_interval`` is (low, high) over classes, None where there is none, with the reason in
    ``class_ci_kind``.
    """

    mean: float
    ci95: float | None
    ci_kind: str
    class_interval: tuple[float, float] | None
    class_ci_kind: str

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Score:
        """The score of its dictionary in a record."""
        interval = data.get("class_interval")
        return cls(
            mean=data["mean"],
            ci95=data["ci95"],
            ci_kind=data["ci_kind"],
            class_interval=(interval[0], interval[1]) if interval else None,
            class_ci_kind=data.get("class_ci_kind", ""),
        )

    def to_json(self) -> dict[str, Any]:
        """As it stands in a record."""
        return {
            "mean": self.mean,
            "ci95": self.ci95,
            "ci_kind": self.ci_kind,
            "class_interval": list(self.class_interval) if self.class_interval else None,
            "class_ci_kind": self.class_ci_kind,
        }


@dataclass(frozen=True, eq=False)
class Record:
    """The outcome of one run: ``data`` as in the JSON file, ``arrays`` as in the ``.npz`` beside it.

    Arrays: ``episode_accuracy [E]``, ``episode_map [E]``, ``classes [E, N]`` (class indices),
    ``query_label [E, Q]`` and ``query_prediction [E, Q]`` (positions 0…N−1 in the episode, −1 padding),
    ``query_ap [E, Q]`` (NaN for padding). ``*_map`` and ``*_ap`` are absent where support is not ranked
    (protocol ``classification``); ``precision [101]`` at equal steps of recall, the interpolated curves of all
    queries averaged, is there in the protocol ``retrieval``.
    """

    data: dict[str, Any]
    arrays: Arrays = field(repr=False)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self.data:
            raise AttributeError(f"a record has no {name!r}; it has {', '.join(self.data)}")
        return self.data[name]

    @cached_property
    def accuracy(self) -> Score:
        """Mean accuracy over episodes."""
        return Score.from_json(self.data["accuracy"])

    @cached_property
    def map(self) -> Score | None:
        """Mean over episodes of the mean average precision over an episode's queries; None: not ranked."""
        return None if self.data["map"] is None else Score.from_json(self.data["map"])

    @property
    def contaminated(self) -> tuple[str, ...]:
        """Pretraining data of the method that holds evaluated classes or pictures, as the data set says."""
        return tuple(self.data.get("contaminated", ()))

    @property
    def pretraining_marked(self) -> str:
        """What the weights saw, with the word "contaminated" where that is evaluated."""
        return f"{self.data['pretraining']}{' (contaminated)' if self.contaminated else ''}"

    @property
    def training_seconds(self) -> float | None:
        """What all trainings of the method took together, when they were made; None where that is not known."""
        timings = (self.data.get("training") or {}).get("timings") or {}
        found = [timing["seconds"] for timing in timings.values()]
        return sum(found) if found and None not in found else None

    @cached_property
    def per_query(self) -> Arrays:
        """``label``, ``prediction`` and, where support is ranked, ``ap``, each [E, Q]."""
        names = ("label", "prediction", "ap")
        return {key: self.arrays[f"query_{key}"] for key in names if f"query_{key}" in self.arrays}

    def to_json(self) -> str:
        """The JSON text of the record file: sorted nowhere, ordered as a person reads it."""
        return json.dumps(self.data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def migrate(data: dict[str, Any], where: str) -> dict[str, Any]:
    """A record of any known schema version as one of the current version.

    Raises FsbenchError for a file that is no record, or one written by a later release.
    """
    version = data.get("schema_version")
    if not isinstance(version, int) or "method" not in data or "episodes_sha256" not in data:
        raise FsbenchError(
            f"{where} is not an fsbench record: it lacks schema_version, method or episodes_sha256."
        )
    if version > SCHEMA_VERSION:
        raise FsbenchError(
            f"{where} has schema version {version} and this release reads up to {SCHEMA_VERSION}; "
            "update fewshot-bench."
        )
    while version < SCHEMA_VERSION:
        data = MIGRATIONS[version](data)
        version += 1
    return data


MIGRATIONS: dict[int, Any] = {}
"""From schema version v to v + 1; empty while there is only one."""
