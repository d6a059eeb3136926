"""A suite: a TOML file that says which runs make a folder of results. This module reads it; nothing is run here.

The file ``NAME.toml`` holds::

    about = "One or two sentences: what is measured, and what a person has to know to run it."
    results = "results"          # the folder of the records; may be left out
    table = "Results"            # the title of its README.md; may be left out

    [[runs]]                     # one block: a run, or as many as its matrix spans
    part = "grocery"             # optional; `NAME:grocery` names this block alone
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
from itertools import product
from pathlib import Path
from typing import Any

from fewshot_bench.engine import Request
from fewshot_bench.errors import FsbenchError, UsageError

FOLDER = Path(__file__).parent
ARGUMENTS = {field.name for field in fields(Request)} - {"episodes_from"}


@dataclass(frozen=True)
class Run:
    """One run of a suite: the request, the folder of its record, and where it is asked for (``NAME:PART``)."""

    where: str
    request: Request
    results: Path

    def command(self) -> str:
        """The command line that makes the same record."""
        places = "" if self.results == Path("results") else f" --results {self.results}"
        return self.request.command() + places


@dataclass(frozen=True)
class Suite:
    """A suite's name, what it says of itself, its runs in order, and the folder and title of its table."""

    name: str
    about: str
    results: Path
    table: str
    parts: Mapping[str, tuple[Run, ...]]

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs of all parts."""
        return tuple(run for runs in self.parts.values() for run in runs)


def names() -> list[str]:
    """The names of the suites in this folder, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str) -> Suite:
    """The suite of a name; UsageError, with the names that there are, where there is none."""
    if name not in names():
        raise UsageError(f"There is no suite {name!r}; there are {', '.join(names())}.")
    path = FOLDER / f"{name}.toml"
    return parse(name, path.read_text(encoding="utf-8"))


def parse(name: str, text: str) -> Suite:
    """The suite that a TOML text describes.

    Raises FsbenchError, naming the suite and the block, for text that is no TOML, a key that is not known, a matrix
    that is not made of lists, and arguments that no run accepts.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FsbenchError(f"The suite {name} is not TOML: {error}.") from error
    unknown(set(data) - {"about", "results", "table", "runs"}, f"The suite {name}")
    results = Path(data.get("results", "results"))
    parts: dict[str, tuple[Run, ...]] = {}
    for number, block in enumerate(data.get("runs", []), 1):
        part = str(block.pop("part", ""))
        where = f"{name}:{part}" if part else name
        runs = tuple(
            Run(where, request(arguments, f"Block {number} of the suite {name}"), results)
            for arguments in expand(block, f"Block {number} of the suite {name}")
        )
        parts[part] = parts.get(part, ()) + runs
    if not parts:
        raise FsbenchError(f"The suite {name} has no [[runs]].")
    return Suite(name, str(data.get("about", "")), results, str(data.get("table", "Results")), parts)


def expand(block: Mapping[str, Any], where: str) -> Iterator[dict[str, Any]]:
    """The arguments of each run of a block: all combinations of its matrix, merged into what all have in common."""
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
    """``first`` with what ``second`` says in its place; tables are merged key by key."""
    both = dict(first)
    for key, value in second.items():
        old = both.get(key)
        both[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return both


def request(arguments: Mapping[str, Any], where: str) -> Request:
    """The request of a run's arguments; FsbenchError, naming the place, for what no run accepts."""
    unknown(set(arguments) - ARGUMENTS, where)
    if missing := {"method", "dataset"} - set(arguments):
        raise FsbenchError(f"{where} names no {' and no '.join(sorted(missing))}.")
    typed = {**arguments, "unlabelled": tuple(arguments.get("unlabelled", ()))}
    try:
        return Request(**typed)
    except UsageError as error:
        raise FsbenchError(f"{where}: {error}") from error


def unknown(keys: set[str], where: str) -> None:
    """Raises FsbenchError where there are ``keys`` that nothing reads."""
    if keys:
        raise FsbenchError(f"{where} has the key {min(keys)!r}, which nothing reads; correct or remove it.")
