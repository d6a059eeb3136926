"""Make the records of ``results/`` and their tables: run what the suites in this folder say.

    python -m benchmarks.suites                        # what there is
    python -m benchmarks.suites real-data siamese:grocery
    python -m benchmarks.suites --dry-run siamese      # the commands, without running them

A run whose record is there is left out, unless ``--again`` is given. A run that fails is reported, the others go
on, and the exit status is 1. ``--tables`` writes the tables of the suites' folders from the records that are there.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from pathlib import Path

from benchmarks.suites.records import made_by, records, write_table
from benchmarks.suites.suite import Run, Suite, load, names
from fewshot_bench.cli.terminal import Watcher, say
from fewshot_bench.engine import run as run_request
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.report.leaderboard import percent


def chosen(words: list[str]) -> tuple[list[Suite], list[Run]]:
    """The suites that ``words`` (``NAME`` or ``NAME:PART``) name, and their runs in order, each once."""
    suites: dict[str, Suite] = {}
    runs: dict[str, Run] = {}
    for word in words:
        name, _, part = word.partition(":")
        suite = suites.setdefault(name, load(name))
        if part and part not in suite.parts:
            parts = ", ".join(key for key in suite.parts if key) or "none"
            raise UsageError(f"The suite {name} has no part {part!r}; its parts: {parts}.")
        for run in suite.parts[part] if part else suite.runs:
            runs.setdefault(run.command(), run)
    return list(suites.values()), list(runs.values())


def listing() -> str:
    """All suites: name, number of runs, parts, and what each says of itself."""
    lines = []
    for suite in map(load, names()):
        parts = ", ".join(f"{suite.name}:{key} ({len(runs)})" for key, runs in suite.parts.items() if key)
        lines.append(
            f"{suite.name}: {len(suite.runs)} runs{', ' + parts if parts else ''}\n    {suite.about}"
        )
    return "\n".join(lines)


def one(run: Run, place: str, device: str, data_root: Path | None) -> bool:
    """Run ``run``, say its outcome in one line, and return whether it went well."""
    try:
        with Watcher() as watcher:
            record, path = run_request(
                run.request, results=run.results, device=device, data_root=data_root, progress=watcher
            )
    except FsbenchError as error:
        say(f"{place} failed: {run.command()}\n    {error}")
        return False
    except Exception:  # a plugin may raise anything; the other runs go on
        say(f"{place} failed: {run.command()}\n{traceback.format_exc()}")
        return False
    ranked = f", mAP {percent(record.map.mean)} %" if record.map is not None else ""
    say(f"{place} {percent(record.accuracy.mean):>5} %{ranked}  {run.request.method}  {path}")
    return True


def main(words: list[str]) -> int:
    """The command; returns the exit status: 0, 1 where a run failed, 2 for a suite that there is not."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.suites", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME[:PART]", help="a suite, or one part of it")
    parser.add_argument("--list", action="store_true", help="list the suites and what each measures")
    parser.add_argument("--dry-run", action="store_true", help="print the commands and run nothing")
    parser.add_argument("--again", action="store_true", help="run what has a record too")
    parser.add_argument("--tables", action="store_true", help="write the tables alone")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--data-root", type=Path, help="folder of data sets [$FSBENCH_DATA]")
    options = parser.parse_args(words)
    if options.list or not (options.names or options.tables):
        print(listing())
        return 0
    try:
        suites, runs = chosen(options.names or names())
    except FsbenchError as error:
        say(str(error))
        return error.exit_code
    there = {suite.results: records(suite.results) for suite in suites}
    left = [run for run in runs if options.again or not any(made_by(r, run) for r in there[run.results])]
    if options.dry_run:
        print("".join(f"{'' if run in left else '# there: '}{run.command()}\n" for run in runs), end="")
        return 0
    failed = 0
    if not options.tables:
        say(f"{len(left)} of {len(runs)} runs to do; the others have a record.")
        for number, run in enumerate(left, 1):
            failed += not one(run, f"[{number}/{len(left)}]", options.device, options.data_root)
    for results, title in {suite.results: suite.table for suite in suites}.items():
        write_table(results, title)
    if failed:
        say(f"{failed} of {len(left)} runs failed.")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
