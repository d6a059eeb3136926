"""Record, schema 2: what was run, on which episodes, with what outcome, and how to run it again."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.notebook import facts
from fewshot_bench.records.arrays import Arrays, canonical
from fewshot_bench.records.classes import class_frame, class_plot, query_frame
from fewshot_bench.records.text import encode

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

SCHEMA_VERSION = 2

Ends = tuple[float, float]


def shares(ends: Ends) -> str:
    """Returns both ends of an interval of a share in percent."""
    return f"{100 * ends[0]:.1f} to {100 * ends[1]:.1f} %"


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

    - ``classes`` [E, N]: class numbers, −1 padding; ``class_names`` [C]: their names,
      ``class_families`` [C]: the names of what they belong to (each absent where not known);
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
        data = self.__dict__.get("data", {})  # there is none while a copy is being made
        if name.startswith("_") or name not in data:
            raise AttributeError(f"a record has no {name!r}; it has {', '.join(data)}")
        return data[name]

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
        arrays = self._canonical
        names = ("label", "prediction", "rank", "ap", "picture")
        return {name: arrays[f"query_{name}"] for name in names if f"query_{name}" in arrays}

    @cached_property
    def _canonical(self) -> Arrays:
        return canonical(self.arrays)

    @property
    def picture_digests(self) -> NDArray[np.uint8] | None:
        """The first 8 bytes of the sha256 of each of the pictures of ``per_query``, [P, 8]; None: not known."""
        return self._canonical.get("pictures")

    def per_class(self) -> pd.DataFrame:
        """Returns one row a class, the lowest accuracy first: ``class``, ``accuracy`` 0…1, ``right``, ``queries``."""
        return class_frame(self)

    def frame(self) -> pd.DataFrame:
        """Returns one row a query: ``episode``, ``class``, ``answer``, ``right`` and, where known, ``rank``, ``ap``."""
        return query_frame(self)

    def plot(self, axes: Axes | None = None) -> Axes:
        """Draws the accuracy of each class as bars, on ``axes`` or a figure of its own; returns Matplotlib's axes."""
        return class_plot(self, axes)

    def _repr_html_(self) -> str:
        """Returns what a notebook shows: what was run, the scores with their intervals, and the command."""
        data = self.data
        rows = [("data set", f"{data.get('dataset')}:{data.get('variant')}")]
        for name, score in (("accuracy", self.accuracy), ("mAP", self.map)):
            if score is None:
                continue
            ends = f", {shares(score.interval)} ({score.kind})" if score.interval else ""
            rows.append((name, f"{100 * score.mean:.1f} %{ends}"))
            rows.append(
                (f"{name}, new classes", shares(score.class_interval) if score.class_interval else "")
            )
        counts = ("protocol", "ways", "shots", "queries", "episodes", "seed")
        rows += [(name, str(data.get(name, ""))) for name in counts]
        rows.append(("hash of the episodes", str(data.get("episodes_sha256", ""))[:16]))
        return facts(f"Record of {data.get('method')}", [*rows, ("command", str(data.get("command", "")))])

    def to_json(self) -> str:
        """Returns the JSON text of the record: ordered as a person reads it."""
        return encode(self.data, indent=2).decode("utf-8") + "\n"
