"""Method parameters: a frozen dataclass with defaults, units and search ranges, set from ``key=value``."""

from __future__ import annotations

import difflib
import types
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from fewshot_bench.errors import UsageError


@dataclass(frozen=True)
class NoConfig:
    """The parameters of a method that has none."""


def tunable(
    default: Any, low: float, high: float, *, log: bool = False, unit: str = "", help: str = ""
) -> Any:
    """A dataclass field with a search range ``[low, high]`` (``log``: on a log scale), unit and sentence."""
    return field(default=default, metadata={"range": (low, high), "log": log, "unit": unit, "help": help})


def setting(default: Any, help: str, *, unit: str = "") -> Any:
    """A dataclass field that is not searched, with a sentence that says what it does."""
    return field(default=default, metadata={"unit": unit, "help": help})


def type_name(annotation: Any) -> str:
    """How a parameter's type reads in a message: ``int``, ``float``, ``one of euclidean, cosine``."""
    if get_origin(annotation) is Literal:
        return "one of " + ", ".join(str(a) for a in get_args(annotation))
    if get_origin(annotation) in (Union, types.UnionType):
        return " or ".join("none" if a is type(None) else type_name(a) for a in get_args(annotation))
    return getattr(annotation, "__name__", str(annotation))


def convert(value: Any, annotation: Any) -> Any:
    """``value`` (text, or an already typed value) as the annotated type; ValueError when it is not one."""
    if get_origin(annotation) in (Union, types.UnionType):
        for option in sorted(get_args(annotation), key=lambda a: a is not type(None)):
            try:
                return convert(value, option)
            except ValueError:
                continue
        raise ValueError(value)
    if get_origin(annotation) is Literal:
        for option in get_args(annotation):
            if str(value) == str(option):
                return option
        raise ValueError(value)
    if annotation is type(None):
        if value is None or str(value).lower() == "none":
            return None
        raise ValueError(value)
    if annotation is bool:
        words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if str(value).lower() not in words:
            raise ValueError(value)
        return words[str(value).lower()]
    if annotation is int:
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            raise ValueError(value)
        return int(value)
    if annotation is float:
        if isinstance(value, bool):
            raise ValueError(value)
        number = float(value)
        if number != number:
            raise ValueError(value)
        return number
    if annotation is str:
        return str(value)
    raise ValueError(value)


def build(config: type[Any], owner: str, parameters: Mapping[str, Any]) -> Any:
    """An instance of the dataclass ``config`` with ``parameters`` over its defaults.

    Raises UsageError, one sentence, for an unknown key ("did you mean") or a value of another type;
    ``owner`` is named in it ("method pretrained-knn").
    """
    hints = get_type_hints(config)
    known = [f.name for f in fields(config)]
    typed: dict[str, Any] = {}
    for key, value in parameters.items():
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(known) or 'none'}."
            raise UsageError(f"The {owner} has no parameter {key!r}; {hint}")
        try:
            typed[key] = convert(value, hints[key])
        except (ValueError, TypeError, OverflowError):
            raise UsageError(
                f"The parameter {key} of the {owner} must be {type_name(hints[key])}, not {value!r}."
            ) from None
    return config(**typed)


def parse_settings(pairs: tuple[str, ...]) -> dict[str, str]:
    """``("k=3", "metric=cosine")`` as a dictionary; UsageError without ``=`` or for a key set twice."""
    found: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--set {pair!r} is not of the form key=value, such as --set k=3.")
        if key.strip() in found:
            raise UsageError(f"--set gives {key.strip()!r} twice; keep one of them.")
        found[key.strip()] = value.strip()
    return found


def parameters_of(config: Any) -> dict[str, Any]:
    """The values of a configuration as a plain dictionary, for the record."""
    return asdict(config)


def describe(config: type[Any]) -> list[dict[str, str]]:
    """One row a parameter: name, type, default, search range, unit and sentence."""
    hints, rows = get_type_hints(config), []
    for f in fields(config):
        low_high = f.metadata.get("range")
        scale = ", log" if f.metadata.get("log") else ""
        rows.append(
            {
                "parameter": f.name,
                "type": type_name(hints[f.name]),
                "default": "" if f.default is MISSING else str(f.default),
                "search": f"{low_high[0]:g} to {low_high[1]:g}{scale}" if low_high else "",
                "unit": str(f.metadata.get("unit", "")),
                "help": str(f.metadata.get("help", "")),
            }
        )
    return rows
