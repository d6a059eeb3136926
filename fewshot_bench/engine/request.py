"""Request: everything a run was asked for, checked, and as the command that asks for it again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from fewshot_bench.contract.protocols import protocol
from fewshot_bench.engine.given import Given
from fewshot_bench.errors import UsageError
from fewshot_bench.protocols import Count, Protocol

USUAL_QUERIES = 15
"""Query pictures of a class, unless a class has fewer."""

TRAIN_DATASET = "packshots"
"""The base data of methods that train, where none is named."""


def count(value: Any, option: str) -> Count:
    """Returns ``value`` as a positive number or ``"all"``; raises UsageError, naming the option, for anything else."""
    if isinstance(value, str) and value.strip().lower() == "all":
        return "all"
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if number < 1:
        raise UsageError(f"{option} must be a whole number from 1, or all, not {str(value)!r}.")
    return number


def seed_of(value: Any, option: str) -> int:
    """Returns ``value`` as a seed; raises UsageError, naming the option, for anything but 0 … 2⁶⁴ − 1."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**64:
        raise UsageError(f"{option} must be a whole number from 0 to 2**64 - 1, not {value!r}.")
    return value


@dataclass(frozen=True)
class Request:
    """One method on one set of episodes.

    Parameters
    ----------
    method, dataset : names, or for the data set a path.
    given : a method's class, data sets, metrics and a sampler that are registered nowhere.
    protocol : the name of a row of ``protocols.py``.
    ways, shots, queries : a number or ``"all"``; None takes what the protocol says. ``queries`` that the protocol
        leaves open are 15 a class, or all where a class has fewer.
    episodes : None is 600, or with all ways as many as there are distinct support sets, at most 100.
    seed : draws the episodes, and nothing else.
    train_seed : draws everything that training draws: initial weights, batches, augmentation.
    split : classes that are evaluated; None is ``novel`` where the data set has splits, else all classes.
    drop_small : leaves out classes with too few pictures.
    variable : draws Meta-Dataset's variable ways, shots and queries in place of the three numbers.
    parameters : the method's parameters as they were typed.
    train_dataset : the base data of methods that train.
    unlabelled : further sets whose pictures they may use without labels.
    episodes_from : a manifest that is replayed instead of drawing.
    metrics : the names of metrics besides accuracy and mAP, those of the protocol among them; kept sorted, each once.
    sampler : the name of what draws the episodes; empty is the protocol's, which is usually the suite's own.

    Raises UsageError for a value that no run can have.
    """

    method: str
    dataset: str
    ways: Count | None = None
    shots: Count | None = None
    queries: Count | None = None
    episodes: int | None = None
    seed: int = 0
    train_seed: int = 0
    split: str | None = None
    drop_small: bool = False
    variable: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)
    train_dataset: str = TRAIN_DATASET
    unlabelled: tuple[str, ...] = ()
    episodes_from: Path | None = None
    protocol: str = "fewshot"
    metrics: tuple[str, ...] = ()
    sampler: str = ""
    given: Given = Given()

    def __post_init__(self) -> None:
        rules = self.rules
        for name in ("ways", "shots", "queries"):
            asked, usual = getattr(self, name), getattr(rules, name)
            value: Count | None = usual if asked is None else count(asked, f"--{name}")
            if rules.fixed and value != usual:
                raise UsageError(
                    f"The protocol {rules.name} has --{name} {usual}, and {asked} was asked for; leave it out, "
                    "or take --protocol fewshot."
                )
            object.__setattr__(self, name, "all" if self.variable else value)
        if rules.fixed and self.variable:
            raise UsageError(f"--variable draws few-shot episodes, and the protocol is {rules.name}.")
        if rules.episodes is not None and self.episodes not in (None, rules.episodes):
            plural = "one episode" if rules.episodes == 1 else f"{rules.episodes} episodes"
            raise UsageError(f"The protocol {rules.name} is {plural}, not --episodes {self.episodes}.")
        if self.episodes is not None and self.episodes < 1:
            raise UsageError(f"--episodes must be a whole number from 1, not {self.episodes}.")
        object.__setattr__(self, "metrics", tuple(sorted({*self.metrics, *rules.metrics})))
        if rules.fixed and self.sampler and self.sampler != rules.sampler:
            raise UsageError(
                f"The protocol {rules.name} draws its episodes in its own way, and --sampler {self.sampler} was "
                "asked for; leave it out, or take --protocol fewshot."
            )
        object.__setattr__(self, "sampler", self.sampler or rules.sampler)
        seed_of(self.seed, "--seed")
        seed_of(self.train_seed, "--train-seed")

    @property
    def rules(self) -> Protocol:
        """The row of the protocol; UsageError for an unknown name, FsbenchError for a plugin that cannot be loaded."""
        return protocol(self.protocol)

    @property
    def counts(self) -> tuple[Count, Count]:
        """Ways and shots, the protocol's where none were given."""
        return cast(tuple[Count, Count], (self.ways, self.shots))

    def command(self) -> str:
        """Returns the command line of the same run; a data set named by its path keeps the path as typed.

        Where something was given that is registered nowhere, no command does the same: it is a remark that says so.
        """
        if self.given:
            return f"# unregistered, run from Python: {self._command()}"
        return self._command()

    def _command(self) -> str:
        words = ["fsbench", "run", "--method", self.method, "--dataset", self.dataset]
        if self.protocol != "fewshot":
            words += ["--protocol", self.protocol]
        if self.episodes_from is not None:
            words += ["--episodes-from", self.episodes_from.name]
        else:
            if not self.rules.fixed:
                words += ["--ways", str(self.ways), "--shots", str(self.shots)]
                words += [] if self.queries is None else ["--queries", str(self.queries)]
            if self.episodes is not None:
                words += ["--episodes", str(self.episodes)]
            words += ["--seed", str(self.seed)]
            words += ["--drop-small"] if self.drop_small else []
            words += ["--variable"] if self.variable else []
        words += ["--train-seed", str(self.train_seed)] if self.train_seed else []
        if self.train_dataset != TRAIN_DATASET:
            words += ["--train-dataset", self.train_dataset]
        for name in self.unlabelled:
            words += ["--unlabelled", name]
        if self.split is not None:
            words += ["--split", self.split]
        if self.sampler != self.rules.sampler and self.episodes_from is None:
            words += ["--sampler", self.sampler]
        for name in sorted(set(self.metrics) - set(self.rules.metrics)):
            words += ["--metric", name]
        for key, value in self.parameters.items():
            words += ["--set", f"{key}={value}"]
        return shlex.join(words)
