"""The backend of a record: what computed its encoder's vectors, so that a repetition computes them in the same way."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from fewshot_bench.embed.exported import VARIABLE
from fewshot_bench.records import Record


@contextmanager
def same_backend(record: Record) -> Iterator[None]:
    """Lets frozen networks be computed by what the record names; one that names nothing was computed by torch.

    What ``FSBENCH_BACKEND`` says already holds.
    """
    made = (record.data.get("environment") or {}).get("backend") or "torch"
    if os.environ.get(VARIABLE):
        yield
        return
    os.environ[VARIABLE] = "torch" if made == "torch" else "auto"
    try:
        yield
    finally:
        del os.environ[VARIABLE]
