"""Given: a method and data sets that are registered nowhere, handed to a run as a class and as an ImageIndex."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from fewshot_bench.contract import registry
from fewshot_bench.contract.defects import dataset_defect, method_defect, metric_defect, sampler_defect
from fewshot_bench.contract.method import Method
from fewshot_bench.contract.registry import Entry
from fewshot_bench.contract.source import DatasetSource
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.datasets.find import open_dataset
from fewshot_bench.datasets.locate import load_dataset
from fewshot_bench.episodes.own import Sampler
from fewshot_bench.errors import UsageError
from fewshot_bench.identity import source_digest
from fewshot_bench.metrics.metric import Metric
from fewshot_bench.progress import Progress, silent

UNREGISTERED = "unregistered"
"""The distribution that a record names where a method was given as a class."""

NOTE = "Given as an index, registered nowhere."

Methodical = str | type[Method] | Method
"""A method: the name of a registered one, a class, or an instance, whose configuration is taken."""

Data = str | ImageIndex | DatasetSource | type[DatasetSource]
"""A data set: a name or a path, an index, or an adapter."""


@dataclass(frozen=True, eq=False)
class Given:
    """The class of a method, data sets and metrics by the names that a request has for them, and a sampler's class."""

    method: type[Method] | None = None
    indexes: Mapping[str, ImageIndex] = field(default_factory=dict)
    metrics: Mapping[str, type[Metric]] = field(default_factory=dict)
    sampler: type[Sampler] | None = None

    def __bool__(self) -> bool:
        return bool(self.method or self.indexes or self.metrics or self.sampler)

    def entry(self, name: str) -> Entry:
        """Returns the entry of a method: the registered one, or one that says ``unregistered`` and the source."""
        if self.method is None:
            return registry.entry(registry.METHODS, name)
        return unregistered(name, self.method)

    def load(self, name: str) -> type[Method]:
        """Returns the class of a method."""
        loaded: type[Method] = self.method or registry.load(registry.METHODS, name)
        return loaded

    def metric_entry(self, name: str) -> Entry:
        """Returns the same of a metric."""
        if name in self.metrics:
            return unregistered(name, self.metrics[name])
        return registry.entry(registry.METRICS, name)

    def load_metric(self, name: str) -> type[Metric]:
        """Returns the class of a metric."""
        loaded: type[Metric] = self.metrics.get(name) or registry.load(registry.METRICS, name)
        return loaded

    def sampler_entry(self, name: str) -> Entry:
        """Returns the same of a sampler."""
        if self.sampler is not None:
            return unregistered(name, self.sampler)
        return registry.entry(registry.SAMPLERS, name)

    def load_sampler(self, name: str) -> type[Sampler]:
        """Returns the class of a sampler."""
        loaded: type[Sampler] = self.sampler or registry.load(registry.SAMPLERS, name)
        return loaded

    def open(
        self, name: str, *, data_root: Path | None = None, verify: bool = False, progress: Progress = silent
    ) -> ImageIndex:
        """Returns the data set of a name: one that was given, or one that is found by its name or path."""
        if name in self.indexes:
            return self.indexes[name]
        return open_dataset(name, data_root=data_root, verify=verify, progress=progress)


def unregistered(name: str, thing: type) -> Entry:
    """Returns the entry of a class that is registered nowhere: it says so, and has the digest of its source."""
    return Entry(name, f"{thing.__module__}:{thing.__qualname__}", UNREGISTERED, source_digest(thing)[:12])


def named_metrics(metrics: Iterable[str | type[Metric]]) -> tuple[tuple[str, ...], dict[str, type[Metric]]]:
    """Returns the names of metrics, and those that were given as classes by their names.

    Raises UsageError for what is no metric, lacks something, or has the name of another.
    """
    if isinstance(metrics, str | type):
        raise UsageError(f"Metrics are a list, such as metrics=['top5'], not {metrics!r}.")
    names: list[str] = []
    given: dict[str, type[Metric]] = {}
    for metric in metrics:
        if isinstance(metric, str):
            names.append(metric)
            continue
        if defect := metric_defect(metric):
            raise UsageError(f"The metric {getattr(metric, '__qualname__', repr(metric))} {defect}.")
        if given.setdefault(metric.name, metric) is not metric:
            raise UsageError(f"Two metrics are named {metric.name!r}; give one another name.")
    if clash := sorted(set(names) & set(given)):
        raise UsageError(
            f"A metric is given as a class and another by the name {clash[0]!r}; rename the class's."
        )
    return (*names, *given), given


def named_sampler(sampler: str | type[Sampler] | None) -> tuple[str, type[Sampler] | None]:
    """Returns the name of a sampler, and its class where it was given; UsageError for what is none."""
    if sampler is None or isinstance(sampler, str):
        return sampler or "", None
    if defect := sampler_defect(sampler):
        raise UsageError(f"The sampler {getattr(sampler, '__qualname__', repr(sampler))} {defect}.")
    return sampler.name, sampler


def named_method(
    method: Methodical, parameters: Mapping[str, Any]
) -> tuple[str, type[Method] | None, dict[str, Any]]:
    """Returns the name of a method, its class where it was given, and its parameters.

    Raises UsageError for what is no method, lacks something, or has a configuration and parameters.
    """
    if isinstance(method, str):
        return method, None, dict(parameters)
    found = method if isinstance(method, type) else type(method)
    if not isinstance(method, type | Method):
        raise UsageError(f"A method is a name, a class or an instance of one, not {method!r}.")
    if defect := method_defect(found):
        raise UsageError(f"The class {found.__qualname__} {defect}.")
    if isinstance(method, type):
        return found.name, found, dict(parameters)
    if parameters:
        raise UsageError(
            f"The method {found.name} was given with a configuration and with parameters; give its class with "
            "parameters, or an instance alone."
        )
    usual = found.Config()
    values = {f.name: getattr(method.config, f.name) for f in fields(method.config)}
    return found.name, found, {name: value for name, value in values.items() if value != getattr(usual, name)}


def named_data(
    places: list[Data], data_root: Path | None, progress: Progress
) -> tuple[list[str], dict[str, ImageIndex]]:
    """Returns a name for each data set, and those that were given by their names.

    Raises UsageError for what is no data set, and for two that have one name.
    """
    names: list[str] = []
    given: dict[str, ImageIndex] = {}
    for place in places:
        if isinstance(place, str | Path):
            names.append(str(place))
            continue
        index = _index(place, data_root, progress)
        if (other := given.setdefault(index.name, index)).fingerprint != index.fingerprint:
            raise UsageError(
                f"Two data sets are named {other.name!r}; give one another name: dataclasses.replace(index, name=…)."
            )
        names.append(index.name)
    if clash := sorted(set(given) & {place for place in places if isinstance(place, str)}):
        raise UsageError(
            f"A data set is given as an index and another by the name {clash[0]!r}; rename the index."
        )
    return names, given


def _index(place: Any, data_root: Path | None, progress: Progress) -> ImageIndex:
    if isinstance(place, ImageIndex):
        return place
    source = place if isinstance(place, type) else type(place)
    if not issubclass(source, DatasetSource):
        raise UsageError(f"A data set is a name, a path, an ImageIndex or a DatasetSource, not {place!r}.")
    if defect := dataset_defect(source):
        raise UsageError(f"The class {source.__qualname__} {defect}.")
    adapter = source() if isinstance(place, type) else place
    return load_dataset(
        adapter, data_root=data_root, progress=lambda done, total: progress("scan", done, total)
    )
