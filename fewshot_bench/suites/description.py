"""A suite: a TOML file that says which runs make a folder of results. This module reads it; nothing is run here.

The file ``NAME.toml`` holds::

    about = "One or two sentences: what is measured, and what a person has to know to run it."
    results = "results"          # the folder of the records; may be left out
    table = "Results"            # the title of its README.md; without it no table is written

    [[runs]]                     # one block: a run, or as many as its matrix spans
    part = "grocery"             # optional; `--part grocery` takes the blocks of that name alone
    dataset = "grozi120:in-situ" # any argument of a run: method, dataset, protocol, ways, shots, queries,
    queries = "all"              # episodes, seed, train_seed, split, train_dataset, unlabelled, …
    [runs.parameters]            # parameters of the method, as `--set key=value`
    C = 1.0
    [runs.matrix]                # every combination of the elements of these lists is a run
    method = ["pretrained-lr", "pretrained-knn"]
    setting = [{ ways = 20, shots = 1 }, { ways = "all", shots = 1 }]

A value in a list of the matrix replaces the argument that the list is named after; a table is merged into the
block (``parameters`` key by key), and its list may have any name. The last list of the matrix varies fastest.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

from fewshot_bench import identity
from fewshot_bench.contract.config import parameters_of
from fewshot_bench.engine import Request
from fewshot_bench.engine.making import method_of
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.files import open_text

ARGUMENTS = {field.name for field in fields(Request)} - {"episodes_from", "given"}
LISTS = ("unlabelled", "metrics")
"""Arguments that are lists in a file."""


@dataclass(frozen=True)
class Unit:
    """One run of a suite: what is asked for, the folder of its record, and the block that asks for it."""

    request: Request
    results: Path
    where: str = ""

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """All parameters of the method, those that were not set at their defaults."""
        return parameters_of(method_of(self.request)[0].config)

    @cached_property
    def key(self) -> str:
        """The identity of what is asked for: two units that ask for the same have the same key.

        A parameter that is set to its default is the same as one that is not set.
        """
        request = self.request
        asked = {name: getattr(request, name) for name in ARGUMENTS - {"parameters"}}
        return identity.key("unit", {**asked, "parameters": {k: str(v) for k, v in self.parameters.items()}})

    def command(self) -> str:
        """Returns the command line that makes the same record."""
        places = "" if self.results == Path("results") else f" --results {self.results}"
        return self.request.command() + places


@dataclass(frozen=True)
class Suite:
    """A suite's name, what it says of itself, its units by part in order, and the folder and title of its table."""

    name: str
    about: str
    results: Path
    table: str
    parts: Mapping[str, tuple[Unit, ...]]

    def units(self, part: str | None = None) -> tuple[Unit, ...]:
        """Returns the units of a part (None: of all); UsageError, with the names of the parts, for an unknown one."""
        if part is None:
            return tuple(unit for units in self.parts.values() for unit in units)
        if part not in self.parts:
            named = ", ".join(key for key in self.parts if key) or "none"
            raise UsageError(f"The suite {self.name} has no part {part!r}; its parts: {named}.")
        return self.parts[part]


def load(path: Path, results: Path | None = None) -> Suite:
    """Returns the suite of a file; ``results`` replaces the folder that the file names.

    Raises UsageError where there is no such file, and FsbenchError as ``parse``.
    """
    if not path.is_file():
        raise UsageError(f"There is no suite {path}; name a TOML file (docs/suites.md shows one).")
    try:
        with open_text(path) as stream:
            text = stream.read()
    except (OSError, UnicodeDecodeError) as error:
        raise FsbenchError(f"The suite {path} cannot be read ({error}).") from error
    return parse(path.stem, text, results)


def parse(name: str, text: str, results: Path | None = None) -> Suite:
    """Returns the suite that a TOML text describes.

    Raises FsbenchError, naming the suite and the block, for text that is no TOML, a key that is not known, a matrix
    that is not made of lists, and arguments that no run accepts.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FsbenchError(f"The suite {name} is not TOML: {error}.") from error
    unknown(set(data) - {"about", "results", "table", "runs"}, f"The suite {name}")
    folder = results or Path(str(data.get("results", "results")))
    blocks = data.get("runs", [])
    if not isinstance(blocks, list) or not blocks or not all(isinstance(block, dict) for block in blocks):
        raise FsbenchError(f"The suite {name} has no [[runs]].")
    parts: dict[str, tuple[Unit, ...]] = {}
    for number, block in enumerate(blocks, 1):
        part, where = str(block.pop("part", "")), f"Block {number} of the suite {name}"
        units = tuple(
            Unit(request(arguments, where), folder, f"{name}:{part}" if part else name)
            for arguments in expand(block, where)
        )
        parts[part] = parts.get(part, ()) + units
    return Suite(name, str(data.get("about", "")), folder, str(data.get("table", "")), parts)


def expand(block: Mapping[str, Any], where: str) -> Iterator[dict[str, Any]]:
    """Yields the arguments of each run of a block: all combinations of its matrix, merged into what they share."""
    shared = {key: value for key, value in block.items() if key != "matrix"}
    axes = block.get("matrix", {})
    if not isinstance(axes, dict) or not all(isinstance(axis, list) and axis for axis in axes.values()):
        raise FsbenchError(f"{where} has a matrix whose entries are not all lists with at least one element.")
    for elements in product(*axes.values()):
        arguments = dict(shared)
        for key, element in zip(axes, elements, strict=True):
            arguments = merged(arguments, element if isinstance(element, dict) else {key: element})
        yield arguments


def merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Returns ``first`` with what ``second`` says in its place; tables are merged key by key."""
    both = dict(first)
    for key, value in second.items():
        old = both.get(key)
        both[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return both


def request(arguments: Mapping[str, Any], where: str) -> Request:
    """Returns the request of a run's arguments; FsbenchError, naming the place, for what no run accepts."""
    unknown(set(arguments) - ARGUMENTS, where)
    if missing := {"method", "dataset"} - set(arguments):
        raise FsbenchError(f"{where} names no {' and no '.join(sorted(missing))}.")
    for name, kind in (
        ("method", str),
        ("dataset", str),
        ("parameters", dict),
        *((name, list) for name in LISTS),
    ):
        if not isinstance(arguments.get(name, kind()), kind):
            raise FsbenchError(f"{where} has {name} = {arguments[name]!r}: give a {WORDS[kind]}.")
    typed = {**arguments, **{name: tuple(arguments[name]) for name in LISTS if name in arguments}}
    try:
        return Request(**typed)
    except (UsageError, TypeError) as error:
        raise FsbenchError(f"{where}: {error}") from error


WORDS = {str: "text", dict: "table", list: "list"}


def unknown(keys: set[str], where: str) -> None:
    """Raises FsbenchError where there are ``keys`` that nothing reads."""
    if keys:
        raise FsbenchError(f"{where} has the key {min(keys)!r}, which nothing reads; correct or remove it.")
