"""Executor: who does the units of a run. Without one they are done here, one after the other.

A unit is a training, a shard of pictures to encode, a chunk of episodes or a whole run of a suite. Each is a function
of its arguments alone, so that a unit which is lost can be done again elsewhere, and its result is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from fewshot_bench.errors import FsbenchError


@dataclass(frozen=True)
class UnitFailure:
    """Stands in place of a unit's result where the unit failed."""

    error: FsbenchError


class Executor(Protocol):
    """Does units elsewhere."""

    def share(self, value: Any) -> Any:
        """Returns a handle that units are given in place of a large value; it is sent to each machine once."""
        ...

    def outcomes(
        self,
        function: Callable[..., Any],
        units: Sequence[tuple[Any, ...]],
        *,
        keys: Sequence[str] | None = None,
        light: bool = False,
    ) -> Iterator[tuple[int, Any]]:
        """Yields (place in ``units``, ``function(*unit)`` or a UnitFailure) as they end.

        ``keys`` are identities: of units with equal keys, whoever asks for them, one is done and all have its result.
        ``light`` units mostly wait for units of their own, and occupy no processor.
        """
        ...


_CURRENT: ContextVar[Executor | None] = ContextVar("executor", default=None)


def executor() -> Executor | None:
    """Returns who does units now; None where this process does them."""
    return _CURRENT.get()


@contextmanager
def using(chosen: Executor | None) -> Iterator[None]:
    """Lets ``chosen`` do the units of what runs in the block."""
    token = _CURRENT.set(chosen)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def results(
    chosen: Executor,
    function: Callable[..., Any],
    units: Sequence[tuple[Any, ...]],
    *,
    keys: Sequence[str] | None = None,
) -> Iterator[tuple[int, Any]]:
    """Yields (place, result) as units end; raises the error of the first that failed."""
    for place, result in chosen.outcomes(function, units, keys=keys):
        if isinstance(result, UnitFailure):
            raise result.error
        yield place, result
