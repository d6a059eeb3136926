"""Fields of a record: what type each has, so that whoever reads a record can rely on it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Fits = Callable[[Any], bool]


def text(value: Any) -> bool:
    """Returns whether a value is a text."""
    return isinstance(value, str)


def flag(value: Any) -> bool:
    """Returns whether a value is true or false."""
    return isinstance(value, bool)


def count(value: Any) -> bool:
    """Returns whether a value is a whole number from 0 to 2⁶⁴ − 1, the largest seed."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**64


def number(value: Any) -> bool:
    """Returns whether a value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def share(value: Any) -> bool:
    """Returns whether a value is a number from 0 to 1."""
    return number(value) and 0 <= value <= 1


def count_or_all(value: Any) -> bool:
    """Returns whether a value is a whole number from 1, or "all"."""
    return value == "all" or (count(value) and value > 0)


def some_text(value: Any) -> bool:
    """Returns whether a value is a text or absent."""
    return value is None or text(value)


def texts(value: Any) -> bool:
    """Returns whether a value is a list of texts."""
    return isinstance(value, list) and all(map(text, value))


def table(value: Any) -> bool:
    """Returns whether a value is a dictionary."""
    return isinstance(value, dict)


def seconds(value: Any) -> bool:
    """Returns whether a value is a dictionary of seconds by stage."""
    return table(value) and all(number(second) and second >= 0 for second in value.values())


def dropped(value: Any) -> bool:
    """Returns whether a value is a list of classes with their two counts."""
    return isinstance(value, list) and all(isinstance(row, list) and row and text(row[0]) for row in value)


def ends(value: Any) -> bool:
    """Returns whether a value is a pair (low, high), or absent."""
    return value is None or (
        isinstance(value, list) and len(value) == 2 and all(map(number, value)) and value[0] <= value[1]
    )


def score(value: Any) -> bool:
    """Returns whether a value is a score: a mean from 0 to 1, two intervals, and what they are over."""
    return (
        table(value)
        and share(value.get("mean"))
        and ends(value.get("interval"))
        and ends(value.get("class_interval"))
        and text(value.get("kind", ""))
        and text(value.get("class_kind", ""))
    )


def some_score(value: Any) -> bool:
    """Returns whether a value is a score or absent."""
    return value is None or score(value)


def training(value: Any) -> bool:
    """Returns whether a value is what is known of a training: a dictionary whose timings have seconds."""
    timings = value.get("timings") if table(value) else None
    return value is None or (
        table(value)
        and (timings is None or table(timings))
        and all(
            table(timing) and "seconds" in timing and (timing["seconds"] is None or number(timing["seconds"]))
            for timing in (timings or {}).values()
        )
    )


FIELDS: dict[str, Fits] = {
    **dict.fromkeys(
        (
            "identity", "method", "method_distribution", "method_source", "summary", "reference", "device", "precision",
            "dataset", "variant", "dataset_fingerprint", "protocol", "split", "episodes_sha256", "ranked_by",
            "scores_sha256", "sampler", "sampler_distribution", "protocol_distribution",
            "command", "command_recorded", "pretraining",
        ),
        text,
    ),
    **dict.fromkeys(
        ("synthetic", "variable", "transductive", "calibrated", "registered", "draws_per_episode", "reads_names"), flag
    ),
    **dict.fromkeys(("train_seed", "seed", "images", "classes", "episodes"), count),
    **dict.fromkeys(("ways", "shots", "queries"), count_or_all),
    **dict.fromkeys(("parameters", "parameters_set", "environment", "identity_facts", "not_finite"), table),
    **dict.fromkeys(("contaminated", "dataset_notes"), texts),
    "protocol_row": table,
    "sweep": table,
    "created": some_text,
    "dropped": dropped,
    "accuracy": score,
    "map": some_score,
    "timings": seconds,
    "training": training,
}  # fmt: skip
"""The fields that are read again, and whether a value fits; other fields may hold anything."""

SHOWN = (
    "method", "method_distribution", "parameters", "parameters_set", "train_seed", "dataset", "variant", "synthetic",
    "images", "classes", "dropped", "dataset_notes", "protocol", "split", "ways", "shots", "queries", "episodes",
    "seed", "episodes_sha256", "transductive", "pretraining", "accuracy", "command", "timings",
)  # fmt: skip
"""The fields that a table shows."""


def misfit(data: Mapping[str, Any]) -> str:
    """Returns "" where every known field of a record has its type, else the first that has not, in words."""
    for name, fits in FIELDS.items():
        if name in data and not fits(data[name]):
            words = (fits.__doc__ or "").removeprefix("Returns whether a value is ").split(":")[0].rstrip(".")
            shown = repr(data[name])
            return f"its {name} is {shown[:60]}{'…' if len(shown) > 60 else ''} and not {words}"
    return ""


def lacking(data: Mapping[str, Any], wanted: Iterable[str] = SHOWN) -> str:
    """Returns "" where a record has what a table shows, else what it lacks, in words."""
    missing = [name for name in wanted if name not in data]
    if missing:
        return f"it lacks {', '.join(missing)}"
    if "score" not in data["timings"]:
        return "it lacks the seconds of scoring in timings"
    return "" if data["episodes"] > 0 else "it has no episode"
