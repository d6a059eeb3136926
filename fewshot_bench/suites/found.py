"""Which record a unit of a suite has made: by what was asked for, whatever the file is called."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fewshot_bench.files import write_atomic
from fewshot_bench.records import Record, read_all
from fewshot_bench.report.leaderboard import tables
from fewshot_bench.report.markdown import markdown
from fewshot_bench.suites.description import Suite, Unit

NOT_ASKED = ("--set", "--results", "--queries", "--train-seed")
"""Options that are compared in their own way, or that say where a record lies."""

TABLE = "README.md"
"""The file of a results folder that its table is written to."""


def folders(results: Path) -> list[Path]:
    """Returns the folders of records below ``results``, but for those that have a table of their own."""
    if not results.is_dir():
        return []
    return [path for path in sorted(results.iterdir()) if path.is_dir() and not (path / TABLE).exists()]


def records(results: Path) -> list[Record]:
    """Returns all records below ``results`` that belong to its table."""
    return read_all(folders(results))


def asked(command: str) -> dict[str, Any]:
    """Returns the options of a ``fsbench run`` command but for ``NOT_ASKED``; those that repeat as a sorted list."""
    words = shlex.split(command)[2:]
    options: dict[str, Any] = {"--unlabelled": [], "--metric": []}
    while words:
        name = words.pop(0)
        value: Any = words.pop(0) if words and not words[0].startswith("--") else True
        if isinstance(options.get(name), list):
            options[name] = sorted([*options[name], value])
        elif name not in NOT_ASKED:
            options[name] = value
    return options


def made_by(record: Record, unit: Unit) -> bool:
    """Returns whether ``record`` is of what ``unit`` asks for: data, episodes, training seed and parameters.

    A unit that leaves ``queries`` out takes what the protocol settles, so that any number of the record is that. A
    parameter of the record that has no value (it was made when the method had no such parameter) contradicts none. The
    code is not looked at.
    """
    request = unit.request
    if record.method != request.method or record.train_seed != request.train_seed:
        return False
    if request.queries is not None and str(record.data.get("queries")) != str(request.queries):
        return False
    if asked(record.command) != asked(unit.command()):
        return False
    if not record.registered:
        return False
    if record.data.get("migrated_from") == 1:  # made before unset parameters were resolved as they are today
        either = {*record.parameters_set, *request.parameters}
        have = {**record.parameters, **record.parameters_set}
        return agree({name: have.get(name) for name in either}, unit.parameters)
    return agree(record.parameters, unit.parameters)


def agree(recorded: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Returns whether no parameter of a record has another value than is wanted, compared as text."""
    known = {name: value for name, value in recorded.items() if value not in ("", None) and name in wanted}
    return all(str(value) == str(wanted[name]) for name, value in known.items())


def matched(found: Iterable[Record], units: Iterable[Unit]) -> dict[str, Record]:
    """Returns the record of each unit that has one, by the unit's key; the last made of several."""
    there: dict[str, Record] = {}
    by_method: dict[str, list[Record]] = {}
    for record in sorted(found, key=lambda r: str(r.data.get("created", ""))):
        by_method.setdefault(record.method, []).append(record)
    for unit in units:
        for record in by_method.get(unit.request.method, []):
            if made_by(record, unit):
                there[unit.key] = record
    return there


def write_table(suite: Suite) -> Path | None:
    """Writes the table of a suite's results folder; returns its path, None where it has no title or no record."""
    found = records(suite.results) if suite.table else []
    if not found:
        return None
    text = markdown(tables(found), suite.table)
    write_atomic(suite.results / TABLE, lambda stream: stream.write(text.encode()))
    return suite.results / TABLE
