"""Rewrites older records of a folder in the current schema: ``python -m fewshot_bench.records.migrate FOLDER``.

Nobody has to: a record of any known schema is migrated in memory when it is read.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from fewshot_bench.errors import FsbenchError, printable
from fewshot_bench.records.record import SCHEMA_VERSION
from fewshot_bench.records.store import read, record_files, save, schema_of


def rewrite(folder: Path) -> list[tuple[Path, Path]]:
    """Rewrites the older records below ``folder`` under their new names and returns the old and new paths.

    A new file is written and read again before the old ones are removed. Raises FsbenchError, with the old files
    in place, where the two differ.
    """
    done = []
    for path in record_files([folder]):
        if schema_of(path) >= SCHEMA_VERSION:
            continue
        record = read(path)
        root = path.parents[2] if len(path.relative_to(folder).parts) > 2 else path.parent
        new = save(record, root)
        again = read(new)
        same = again.arrays.keys() == record.arrays.keys() and all(
            np.array_equal(again.arrays[k], v, equal_nan=v.dtype.kind == "f")
            for k, v in record.arrays.items()
        )
        if not same or again.data != record.data:
            raise FsbenchError(
                f"{new} is not the record of {path}; the old file was kept, and this is a bug."
            )
        path.with_suffix(".npz").unlink()
        path.unlink()
        done.append((path, new))
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
    return done


def main(arguments: list[str]) -> int:
    """Rewrites the records of the folders that are named; returns the exit status."""
    if not arguments:
        print("Usage: python -m fewshot_bench.records.migrate FOLDER…", file=sys.stderr)
        return 2
    try:
        for folder in arguments:
            for old, new in rewrite(Path(folder)):
                print(printable(f"{old} -> {new}"))
    except FsbenchError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
