"""The executor of a Ray cluster: Ray places the units, and does those of a lost worker again.

Ray is an optional extra (``pip install 'fewshot-bench[ray]'``). Arguments and results travel between the processes of
the cluster as Ray's own serialised objects; nothing of that is kept.
"""

from __future__ import annotations

import socket
import sys
import traceback
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import Any

from fewshot_bench.cluster.executor import UnitFailure
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.identity import core_digest

TRIES = 10
"""Times that a unit is done again after its worker died, before it counts as failed: it may be what kills workers."""

AHEAD = 3
"""Units in flight for each processor, so that none waits for the next."""

SHARED = 4
"""Values behind handles that a worker keeps unpacked."""

WAIT = 10.0
"""Seconds for a cluster to answer."""

LEDGER = "fsbench-ledger"


@dataclass(frozen=True)
class Handle:
    """A handle of a shared value: a reference in Ray's store of objects."""

    reference: Any


@dataclass(frozen=True)
class Terms:
    """A worker shares these with the process that asks: the code of the core, and torch's number of threads."""

    core: str
    threads: int


@dataclass(frozen=True)
class Told:
    """This holds the exception of a unit in words, since not every exception survives the way between processes."""

    sentence: str
    trace: str
    usage: bool
    lost: bool = False
    """Whether what it was given is gone, with the process that gave it: the unit itself may be well."""


_UNPACKED: OrderedDict[str, Any] = OrderedDict()


def unpacked(argument: Any) -> Any:
    """Returns the value of a handle, and any other argument as it is."""
    if not isinstance(argument, Handle):
        return argument
    import ray

    name = argument.reference.hex()
    if name not in _UNPACKED:
        _UNPACKED[name] = ray.get(argument.reference)
        while len(_UNPACKED) > SHARED:
            _UNPACKED.popitem(last=False)
    _UNPACKED.move_to_end(name)
    return _UNPACKED[name]


def work(function: Callable[..., Any], unit: tuple[Any, ...], terms: Terms) -> Any:
    """Returns ``function(*unit)``, or what it raised as ``Told``; this runs on a worker."""
    try:
        if core_digest() != terms.core:
            raise FsbenchError(
                "A worker of the cluster has another version of fewshot_bench than this process; install the same on "
                "every machine and start the cluster again."
            )
        import torch

        torch.set_num_threads(terms.threads)
        return function(*map(unpacked, unit))
    except KeyboardInterrupt:
        raise
    except Exception as error:
        lost = isinstance(error, lost_errors())
        known = isinstance(error, FsbenchError)
        sentence = (
            str(error)
            if known
            else f"A unit failed on a worker: {type(error).__name__}: {error}".rstrip(".") + "."
        )
        return Told(" ".join(sentence.split()), traceback.format_exc(), isinstance(error, UsageError), lost)


def lost_errors() -> tuple[type[Exception], ...]:
    """Returns what Ray raises where a value is gone with the process or the machine that held it."""
    from ray.exceptions import ObjectLostError, OwnerDiedError

    return ObjectLostError, OwnerDiedError


class Ledger:
    """Keeps the units that have a key, in an actor: each is done once in the life of the cluster's job."""

    def __init__(self) -> None:
        self.known: dict[str, Any] = {}

    def submit(self, key: str, function: Any, unit: Any, terms: Terms, options: dict[str, Any]) -> list[Any]:
        """Returns the reference of the unit with ``key``, in a list so that Ray passes it on unread."""
        if key not in self.known:
            self.known[key] = remote_work(options).remote(function, unit, terms)
        return [self.known[key]]

    def forget(self, key: str, reference: str) -> None:
        """Lets a failed unit be tried again, unless it has been begun anew already."""
        if key in self.known and self.known[key].hex() == reference:
            del self.known[key]


def remote_work(options: dict[str, Any]) -> Any:
    """Returns ``work`` as a function of the cluster."""
    import ray

    return ray.remote(work).options(**options)


class RayExecutor:
    """Does units on the cluster that this process is connected to.

    ``gpus`` is the share of a GPU that each takes. A unit whose worker died is done again up to ``tries`` times.
    """

    def __init__(self, *, gpus: float = 0.0, tries: int = TRIES) -> None:
        import ray
        import torch

        self.ray, self.gpus, self.tries = ray, gpus, tries
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        self.processors = max(1, int(resources.get("CPU", 1)))
        self.terms = Terms(core_digest(), torch.get_num_threads())
        self.ledger = ledger()

    def __reduce__(self) -> tuple[Any, ...]:
        """A worker that is given the executor has one of the same cluster."""
        return another, (self.gpus, self.tries)

    def share(self, value: Any) -> Handle:
        """Returns a handle of a value in Ray's store."""
        return Handle(self.ray.put(value))

    def outcomes(
        self,
        function: Callable[..., Any],
        units: Sequence[tuple[Any, ...]],
        *,
        keys: Sequence[str] | None = None,
        light: bool = False,
    ) -> Iterator[tuple[int, Any]]:
        """Yields (place, result or UnitFailure) as units end (see ``Executor``)."""
        options: dict[str, Any] = {"num_cpus": 0 if light else 1, "max_retries": self.tries}
        if self.gpus and not light:
            options["num_gpus"] = self.gpus
        ahead = self.processors if light else AHEAD * self.processors
        left, flying = list(range(len(units)))[::-1], dict[Any, list[int]]()
        lost = [0] * len(units)
        try:
            while left or flying:
                while left and len(flying) < ahead:
                    place = left.pop()
                    key = keys[place] if keys else None
                    flying.setdefault(self.begun(function, units[place], options, key), []).append(place)
                with redirect_stdout(
                    sys.stderr
                ):  # Ray says there of workers that died; stdout is the record's
                    (reference, *_), _ = self.ray.wait(list(flying), num_returns=1)
                places, result = flying.pop(reference), self.value(reference, function)
                if keys and isinstance(result, Told | UnitFailure):
                    self.ray.get(self.ledger.forget.remote(keys[places[0]], reference.hex()))
                for place in places:
                    if isinstance(result, Told) and result.lost and lost[place] < self.tries:
                        lost[place] += 1  # another process began it, and died: this one begins it anew
                        left.append(place)
                    else:
                        yield place, failure_of(result) if isinstance(result, Told) else result
        finally:
            if not keys:  # others may wait for a unit that has a key
                for reference in flying:
                    self.ray.cancel(reference)

    def begun(self, function: Any, unit: tuple[Any, ...], options: dict[str, Any], key: str | None) -> Any:
        """Returns the reference of a unit that was begun, now or before by anyone who named its key."""
        if key is None:
            return remote_work(options).remote(function, unit, self.terms)
        return self.ray.get(self.ledger.submit.remote(key, function, unit, self.terms, options))[0]

    def value(self, reference: Any, function: Callable[..., Any]) -> Any:
        """Returns what a unit that ended gave: its result, what it raised as Told, or a UnitFailure without it."""
        try:
            return self.ray.get(reference)
        except lost_errors() as error:
            return Told(" ".join(str(error).split())[:300], "", False, True)
        except self.ray.exceptions.RayError as error:
            reason = " ".join(str(error).split())[:300]
            name = function.__name__.replace("_", " ")
            return UnitFailure(
                FsbenchError(
                    f"The cluster could not do a unit ({name}), tried {self.tries + 1} times: {reason}"
                )
            )


def failure_of(told: Told) -> UnitFailure:
    """Returns the failure of a unit of what it raised."""
    error = (UsageError if told.usage else FsbenchError)(told.sentence)
    error.add_note(told.trace)
    return UnitFailure(error)


def ledger() -> Any:
    """Returns the actor of this job that knows the units with keys; it lives as long as who asked first holds it."""
    import ray

    actor = ray.remote(Ledger)
    return actor.options(name=LEDGER, get_if_exists=True, num_cpus=0, max_restarts=-1).remote()


def another(gpus: float, tries: int) -> RayExecutor:
    """Returns an executor of the cluster that this process is connected to."""
    return RayExecutor(gpus=gpus, tries=tries)


def reachable(address: str | None) -> None:
    """Raises OSError where nobody listens at ``HOST:PORT``: Ray would wait for half a minute and end the program."""
    host, _, port = (address or "").rpartition("://")[2].rpartition(":")
    if host and port.isdigit():
        with socket.create_connection((host, int(port)), timeout=WAIT):
            pass


@contextmanager
def ray_cluster(
    address: str | None = None, *, gpus: float = 0.0, tries: int = TRIES, **options: Any
) -> Iterator[RayExecutor]:
    """Connects to a Ray cluster for the block, and yields its executor; without an address it starts one here.

    ``gpus`` and ``tries`` are those of ``RayExecutor``.
    ``address`` is that of the head (``ray://host:10001``, ``host:6379``, ``auto``). ``options`` are further arguments
    of ``ray.init``. Raises UsageError where Ray is not installed and FsbenchError where no cluster answers.
    """
    try:
        import ray
    except ImportError as error:
        raise UsageError("Ray is not installed: pip install 'fewshot-bench[ray]'.") from error
    usual: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    if address is None:
        usual["include_dashboard"] = False
    try:
        reachable(address)
        ray.init(address=address, **usual | options)
    except (Exception, SystemExit) as error:  # each way of not answering raises another one
        raise FsbenchError(
            f"No Ray cluster answers at {address or 'this machine'} ({' '.join(str(error).split())[:200]}); begin one "
            "with `ray start --head`, or leave --address out to have one for this command."
        ) from error
    try:
        yield RayExecutor(gpus=gpus, tries=tries)
    finally:
        ray.shutdown()
