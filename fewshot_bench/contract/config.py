"""Method parameters: a frozen dataclass with defaults, units and search ranges, set from ``key=value``."""

from __future__ import annotations

import difflib
import hashlib
import types
from collections.abc import Collection, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from fewshot_bench.errors import UsageError

TRAINING = "training"
"""The word of parameters that a training reads; see ``setting``."""


@dataclass(frozen=True)
class NoConfig:
    """The parameters of a method that has none."""


def tunable(
    default: Any,
    low: float,
    high: float,
    *,
    log: bool = False,
    unit: str = "",
    help: str = "",
    used_by: str = TRAINING,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Any:
    """Returns a dataclass field with a search range ``[low, high]`` (``log``: on a log scale), unit and sentence.

    ``used_by``, ``at_least`` and ``at_most`` are those of ``setting``.
    """
    searched = {"range": (low, high), "log": log, "unit": unit, "help": help}
    return field(default=default, metadata={**searched, "used_by": used_by, "bounds": (at_least, at_most)})


def share(
    default: float,
    low: float,
    high: float,
    help: str,
    *,
    log: bool = False,
    used_by: str = TRAINING,
    at_most: float = 1,
) -> Any:
    """Returns a ``tunable`` field whose value is a share from 0 to ``at_most``."""
    return tunable(default, low, high, log=log, help=help, used_by=used_by, at_least=0, at_most=at_most)


def setting(
    default: Any,
    help: str,
    *,
    unit: str = "",
    used_by: str = TRAINING,
    content: bool = False,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Any:
    """Returns a dataclass field that is not searched, with a sentence that says what it does.

    Parameters
    ----------
    used_by : what reads the parameter. A training is keyed by all parameters that it reads, so that a parameter
        with another word (``head``, ``evaluation``) may change without a new training. A method lists the words
        that its training reads in ``TrainedMethod.reads``.
    content : whether the value names a file whose content, not its name, is what a training depends on.
    at_least, at_most : bounds of the value; ``build`` raises UsageError beyond them.
    """
    return field(
        default=default,
        metadata={
            "unit": unit, "help": help, "used_by": used_by, "content": content, "bounds": (at_least, at_most),
        },
    )  # fmt: skip


def type_name(annotation: Any) -> str:
    """Returns how a parameter's type reads in a message: ``int``, ``float``, ``one of euclidean, cosine``."""
    if get_origin(annotation) is Literal:
        return "one of " + ", ".join(str(a) for a in get_args(annotation))
    if get_origin(annotation) in (Union, types.UnionType):
        return " or ".join("none" if a is type(None) else type_name(a) for a in get_args(annotation))
    return getattr(annotation, "__name__", str(annotation))


def convert(value: Any, annotation: Any) -> Any:
    """Returns ``value`` (text, or an already typed value) as the annotated type; ValueError when it is not one."""
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
    """Returns an instance of the dataclass ``config``: ``parameters`` over its preset's values over its defaults.

    A configuration with presets has a field ``preset`` and a class variable ``PRESETS``: name of a preset ->
    parameters that it sets. The instance holds the values that run, never a placeholder for them.

    Raises UsageError, one sentence, for an unknown key ("did you mean"), a value of another type or beyond its
    bounds; ``owner`` is named in it ("method pretrained-knn").
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
    made = config(**{**preset_values(config, typed), **typed})
    check_bounds(made, owner)
    return made


def preset_values(config: type[Any], typed: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the parameters that the preset of ``typed``, or the default preset, sets; {} without presets."""
    presets: Mapping[str, Mapping[str, Any]] = getattr(config, "PRESETS", {})
    default = next((f.default for f in fields(config) if f.name == "preset"), None)
    return dict(presets.get(typed.get("preset", default), {}))


def check_bounds(config: Any, owner: str) -> None:
    """Raises UsageError, one sentence, for a value beyond the bounds that its field states."""
    for f in fields(config):
        low, high = f.metadata.get("bounds", (None, None))
        value = getattr(config, f.name)
        if (low is not None and value < low) or (high is not None and value > high):
            ends = [f"at least {low:g}"] if low is not None else []
            ends += [f"at most {high:g}"] if high is not None else []
            raise UsageError(
                f"The parameter {f.name} of the {owner} must be {' and '.join(ends)}, not {value!r}."
            )


def parse_settings(pairs: tuple[str, ...]) -> dict[str, str]:
    """Returns ``("k=3", "metric=cosine")`` as a dictionary; UsageError without ``=`` or for a key set twice."""
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
    """Returns the values of a configuration as a plain dictionary, for the record."""
    return asdict(config)


def used_parameters(config: Any, words: Collection[str] = (TRAINING,)) -> dict[str, Any]:
    """Returns the values of the parameters that are ``used_by`` one of ``words``, for the key of a training.

    A parameter that names a file (``content``) is given by the sha256 of that file. Raises UsageError where the
    file cannot be read.
    """
    return {
        f.name: content_of(getattr(config, f.name), f.name)
        if f.metadata.get("content")
        else getattr(config, f.name)
        for f in fields(config)
        if f.metadata.get("used_by", TRAINING) in words
    }


def content_of(path: str | None, name: str) -> str | None:
    """Returns the sha256 (hex) of a file, None without one.

    Raises UsageError, naming the parameter, where it cannot be read.
    """
    if path is None:
        return None
    try:
        return hashlib.sha256(Path(path).expanduser().read_bytes()).hexdigest()
    except OSError as error:
        raise UsageError(
            f"Cannot read {path}, which the parameter {name} names ({error.strerror or error}); name a file."
        ) from error


def describe(config: type[Any]) -> list[dict[str, str]]:
    """Returns one row a parameter: name, type, default, search range, unit and sentence."""
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
