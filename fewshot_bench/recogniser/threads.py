"""One thread for one picture: threads that wait by spinning take the cores from those that work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

LOCK = Lock()

LIMITED: list[Any] = []
"""The limit of BLAS for each call that is open; the first of them knows what to go back to."""


@cache
def controllers() -> tuple[Any, Any]:
    """Returns what limits the threads of BLAS and of OpenMP, whose libraries are loaded by then."""
    import torch  # noqa: F401 - its OpenMP is to be loaded
    from threadpoolctl import ThreadpoolController

    found = ThreadpoolController()
    return found.select(user_api="blas"), found.select(user_api="openmp")


@contextmanager
def one_thread() -> Iterator[None]:
    """Limits BLAS and OpenMP to one thread while it is open.

    The limit of OpenMP is that of the calling thread. That of BLAS is the process's: it goes when the last of several
    calls at once has ended.
    """
    blas, openmp = controllers()
    with openmp.limit(limits=1):
        with LOCK:
            LIMITED.append(LIMITED[0] if LIMITED else blas.limit(limits=1))
        try:
            yield
        finally:
            with LOCK:
                limit = LIMITED.pop()
                if not LIMITED:
                    limit.restore_original_limits()
