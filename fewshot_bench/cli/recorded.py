"""Requests of records: the command that a record keeps, read as the command line reads it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from fewshot_bench.errors import UsageError, printable

PLACES = (
    "executor", "address",
    "data_root", "device", "results", "verify", "time_limit", "isolate", "as_json", "details", "keep_scores",
    "settings",
)  # fmt: skip
"""Options of ``fsbench run`` that are no part of what is asked."""


def request_of(record: Any) -> Any:
    """Returns the request of a record's command; UsageError where the record has no command that does the same."""
    from fewshot_bench.cli.run import combined, command

    text = str(record.data.get("command", ""))
    try:
        words = shlex.split(text)
    except ValueError:
        words = []
    if words[:2] != ["fsbench", "run"]:
        raise UsageError(
            printable(f"The record of {record.method} has no command that makes it again: {text[:200]!r}")
        )
    if "--episodes-from" in words:
        raise UsageError(
            f"The record of {record.method} was made from a manifest, which it does not hold; run its command where "
            "the manifest is, and compare the two records."
        )
    try:
        with command.make_context("run", words[2:], resilient_parsing=False) as context:
            options = dict(context.params)
    except click.ClickException as error:
        raise UsageError(
            f"The command of the record cannot be read ({error.format_message()}): {text}"
        ) from error
    settings = options["settings"]
    for name in PLACES:
        options.pop(name)
    requests = combined(settings, options)
    if len(requests) > 1:
        raise UsageError(printable(f"The command of the record asks for {len(requests)} runs: {text[:200]}"))
    return requests[0]


def one_record(path: Path) -> Any:
    """Returns the record of a file; UsageError for a folder, which may hold many."""
    from fewshot_bench.records import read

    if path.is_dir():
        raise UsageError(
            f"{path} is a folder; name the JSON file of one record: fsbench rerun {path}/…/NAME.json"
        )
    return read(path)
