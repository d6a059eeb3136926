"""Record, schema 2: what was run, on which episodes, with what outcome, and how to run it again."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from fewshot_bench.records.arrays import Arrays, canonical
from fewshot_bench.records.text import encode

SCHEMA_VERSION = 2

Ends = tuple[float, float]


@dataclass(frozen=True)
class Score:
    """A mean over episodes (0…1) with two 95 % intervals, both ends of each.

    ``interval`` is (low, high) over episodes or test pictures, ``class_interval`` (low, high) over classes. ``kind``
    and ``class_kind`` say what each is over; where an interval is None, they hold the reason.
    """

    mean: float
    interval: Ends | None
    kind: str
    class_interval: Ends | None = None
    class_kind: str = ""

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Score:
        """Returns the score of its dictionary in a record."""
        interval, over_classes = data.get("interval"), data.get("class_interval")
        return cls(
            mean=data["mean"],
            interval=(interval[0], interval[1]) if interval else None,
            kind=data.get("kind", ""),
            class_interval=(over_classes[0], over_classes[1]) if over_classes else None,
            class_kind=data.get("class_kind", ""),
        )

    def to_json(self) -> dict[str, Any]:
        """Returns the score as it stands in a record."""
        return {
            "mean": self.mean,
            "interval": list(self.interval) if self.interval else None,
            "kind": self.kind,
            "class_interval": list(self.class_interval) if self.class_interval else None,
            "class_kind": self.class_kind,
        }


@dataclass(frozen=True, eq=False)
class Record:
    """The outcome of one run: ``data`` as in the JSON file, ``arrays`` as they were before packing.

    Arrays, for E episodes of up to N classes and Q queries:

    - ``classes`` [E, N]: class numbers, −1 padding; ``class_names`` [C]: their names (absent where not known);
    - ``query_label``, ``query_prediction`` [E, Q]: positions 0…N−1 in the episode, −1 padding;
    - ``query_rank`` [E, Q]: how many classes are before the true one, by score, ties by lower label; 0 where the
      prediction is right, −1 padding. Absent in records that were made with schema 1;
    - ``query_ap`` [E, Q] float32: average precision, NaN padding. Absent where the support is not ranked;
    - ``query_picture`` [E, Q]: row of ``pictures``, −1 padding; ``pictures`` [P, 8] uint8: the first 8 bytes of the
      sha256 of each query picture. Both are absent where they are not known;
    - ``precision`` [101]: precision at equal steps of recall, the interpolated curves of all queries averaged.
      Present where the protocol keeps the curve.

    Every key of ``data`` is an attribute (``record.method``).
    """

    data: dict[str, Any]
    arrays: Arrays = field(repr=False)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self.data:
            raise AttributeError(f"a record has no {name!r}; it has {', '.join(self.data)}")
        return self.data[name]

    @cached_property
    def accuracy(self) -> Score:
        """The mean accuracy over episodes."""
        return Score.from_json(self.data["accuracy"])

    @cached_property
    def map(self) -> Score | None:
        """The mean over episodes of the mean average precision over an episode's queries; None: not ranked."""
        found = self.data.get("map")
        return None if found is None else Score.from_json(found)

    @cached_property
    def metrics(self) -> dict[str, Score]:
        """The means over episodes of further metrics, by name; empty where none was asked for."""
        return {name: Score.from_json(found) for name, found in self.data.get("metrics", {}).items()}

    @property
    def train_seed(self) -> int:
        """The seed of everything that the training drew."""
        return int(self.data.get("train_seed", 0))

    @property
    def registered(self) -> bool:
        """Whether the method was found by its name; False for a class that was handed to ``run``."""
        return bool(self.data.get("registered", True))

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
        """How long all trainings of the method took together; None where that is not known."""
        timings = (self.data.get("training") or {}).get("timings") or {}
        found = [timing["seconds"] for timing in timings.values()]
        return sum(found) if found and None not in found else None

    @cached_property
    def per_query(self) -> Arrays:
        """``label``, ``prediction`` and, where known, ``rank``, ``ap`` and ``picture``, each [E, Q].

        Queries are in canonical order (see ``arrays.canonical``): by class, then by picture. Two records of the same
        episodes therefore have equal labels, however each was made.
        """
        arrays = canonical(self.arrays)
        names = ("label", "prediction", "rank", "ap", "picture")
        return {name: arrays[f"query_{name}"] for name in names if f"query_{name}" in arrays}

    def to_json(self) -> str:
        """Returns the JSON text of the record: ordered as a person reads it."""
        return encode(self.data, indent=2).decode("utf-8") + "\n"
