"""The plan of a suite: its units, which of them have a record, which failed, and how long the others may take."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fewshot_bench.contract import registry
from fewshot_bench.errors import FsbenchError
from fewshot_bench.identity import source_digest
from fewshot_bench.records import Record
from fewshot_bench.suites import failures
from fewshot_bench.suites.description import Unit
from fewshot_bench.suites.failures import FailedUnit
from fewshot_bench.suites.found import matched, records


@dataclass(frozen=True)
class Planned:
    """A unit with its record or its failure, and an estimate of its seconds where it has no record.

    ``defect`` says why the unit cannot be run at all, such as a method that is not installed.
    """

    unit: Unit
    record: Record | None = None
    failure: FailedUnit | None = None
    seconds: float | None = None
    defect: str = ""
    stale: bool = False

    @property
    def state(self) -> str:
        """``there``, ``there*`` by other code of the method, ``impossible``, ``failed`` or ``to do``."""
        if self.record is not None:
            return "there*" if self.stale else "there"
        return "impossible" if self.defect else "failed" if self.failure is not None else "to do"


@dataclass(frozen=True)
class Plan:
    """All units of a suite as they stand."""

    units: tuple[Planned, ...]

    @property
    def left(self) -> tuple[Planned, ...]:
        """The units without a record that can be tried."""
        return tuple(one for one in self.units if one.record is None and not one.defect)

    @property
    def seconds(self) -> float:
        """The sum of the estimates that there are."""
        return sum(one.seconds or 0.0 for one in self.left)

    @property
    def unknown(self) -> int:
        """How many of the units that are left have no estimate."""
        return sum(one.seconds is None for one in self.left)


def plan(units: Sequence[Unit], *, results: Path | None = None) -> Plan:
    """Returns the plan of units, each of which counts once; estimates are of records in their folders.

    ``results`` is a further folder whose records estimates are made from.
    """
    places = {unit.results for unit in units}
    found = {place: records(place) for place in places}
    earlier = [record for kept in found.values() for record in kept] + (records(results) if results else [])
    planned: dict[str, Planned] = {}
    there = {place: matched(found[place], possible(units, place)) for place in places}
    for unit in units:
        if defect := why_not(unit):
            planned[unit.command()] = Planned(unit, defect=defect)
            continue
        record = there[unit.results].get(unit.key)
        planned[unit.key] = Planned(
            unit,
            record,
            None if record else failures.known(unit),
            None if record else estimate(unit, earlier),
            stale=record is not None and by_other_code(record),
        )
    return Plan(tuple(planned.values()))


def possible(units: Sequence[Unit], place: Path) -> list[Unit]:
    """Returns the units of a folder whose method is there and takes their parameters."""
    return [unit for unit in units if unit.results == place and not why_not(unit)]


def why_not(unit: Unit) -> str:
    """Returns why a unit cannot be run, "" where it can: its method is not installed, or has no such parameter."""
    try:
        _ = unit.parameters
    except FsbenchError as error:
        return str(error)
    return ""


def by_other_code(record: Record) -> bool:
    """Returns whether the source of the method is another one than the record states."""
    stated = record.data.get("method_source")
    try:
        method = registry.load(registry.METHODS, record.method)
        known = [source_digest(method, as_3_12=earlier) for earlier in (False, True)]
        return bool(stated) and stated not in known
    except FsbenchError:
        return False


def estimate(unit: Unit, earlier: Sequence[Record]) -> float | None:
    """Returns the median of the seconds that earlier records like a unit took; None where none is of its method.

    Those of the same data set and protocol count, else all of the method. A training that several units share is
    counted with each, so that the sum is no less than what they take.
    """
    own = [record for record in earlier if record.method == unit.request.method]
    name = unit.request.dataset
    near = [
        r for r in own if f"{r.dataset}:{r.variant}".startswith(name) and r.protocol == unit.request.protocol
    ]
    times = [spent(record) for record in near or own]
    return statistics.median(times) if times else None


def spent(record: Record) -> float:
    """Returns the seconds that a record's run took, its training included."""
    own = sum(value for stage, value in record.timings.items() if stage not in ("picture", "fit"))
    trained = record.training_seconds
    return float(own + (trained if trained is not None else record.timings.get("fit", 0.0)))
