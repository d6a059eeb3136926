"""Which record a run of a suite has made: by what was asked for, whatever the file is called."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from benchmarks.suites.suite import Run, load, names
from fewshot_bench.files import write_atomic
from fewshot_bench.records import Record, read_all
from fewshot_bench.report.leaderboard import tables
from fewshot_bench.report.markdown import markdown

Asked = dict[str, Any]


def folders(results: Path) -> list[Path]:
    """The folders of records that the table of ``results`` is made of: all below it but other suites' folders."""
    if not results.is_dir():
        return []
    others = {load(name).results for name in names()} - {results}
    return [path for path in sorted(results.iterdir()) if path.is_dir() and path not in others]


def records(results: Path) -> list[Record]:
    """All records below ``results`` that belong to its table."""
    return read_all(folders(results))


def asked(command: str) -> Asked:
    """The options of a ``fsbench run`` command, without its parameters and its results folder."""
    words = shlex.split(command)[2:]
    options: Asked = {"--unlabelled": []}
    while words:
        name = words.pop(0)
        value: Any = words.pop(0) if words and not words[0].startswith("--") else True
        if name == "--unlabelled":
            options[name].append(value)
        elif name not in ("--set", "--results"):
            options[name] = value
    return options


def parameters(values: Any) -> dict[str, str]:
    """Parameters as text, so that those of a command line and those of a file compare."""
    return {key: str(value) for key, value in dict(values).items()}


def made_by(record: Record, run: Run) -> bool:
    """Whether ``record`` is of what ``run`` asks for: data, episodes, training and the parameters that were set.

    A run that leaves ``queries`` out takes what the protocol settles, so any number matches. The code and the
    defaults of the record are not looked at: ``--again`` is for a change of these.
    """
    have, want = asked(record.command), asked(run.command())
    if run.request.queries is None:
        have.pop("--queries", None)
    trained = record.data.get("train_seed", record.seed), getattr(run.request, "train_seed", 0)
    for options in (have, want):
        options.pop("--train-seed", None)
    same = parameters(record.parameters_set) == parameters(run.request.parameters)
    return have == want and trained[0] == trained[1] and same


def write_table(results: Path, title: str) -> None:
    """Write the table of a results folder to its ``README.md``."""
    found = records(results)
    if found:
        text = markdown(tables(found), title)
        write_atomic(results / "README.md", lambda stream: stream.write(text.encode()))
