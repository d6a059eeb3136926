"""Request: everything a run was asked for, checked, and as the command that asks for it again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from fewshot_bench.errors import UsageError

Count = int | Literal["all"]
Protocol = Literal["fewshot", "classification", "retrieval", "oneshot-all"]

SETTINGS: dict[str, tuple[Count, Count, Count | None]] = {
    "fewshot": (5, 1, None),
    "retrieval": (5, 1, None),
    "oneshot-all": ("all", 1, "all"),
    "classification": ("all", "all", "all"),
}
"""Ways, shots and queries of each protocol: defaults of the first two, part of the others. None: see Request."""

USUAL_QUERIES = 15

FIXED = ("oneshot-all", "classification")


def count(value: Any, option: str) -> Count:
    """``value`` as a positive number or ``"all"``; UsageError, naming the option, for anything else."""
    if isinstance(value, str) and value.strip().lower() == "all":
        return "all"
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if number < 1:
        raise UsageError(f"{option} must be a whole number from 1, or all, not {str(value)!r}.")
    return number


@dataclass(frozen=True)
class Request:
    """One method on one set of episodes.

    ``protocol``: ``fewshot`` (accuracy on N-way K-shot episodes), ``retrieval`` (the same episodes, their
    support as the gallery, ranked for each query), ``oneshot-all`` (all classes, one reference picture each:
    Srivastava 2022), ``classification`` (one episode of all classes, train pictures as support and test
    pictures as queries; classes without either are left out). ``ways``, ``shots``, ``queries``: a number or
    ``"all"``; ``queries`` None: 15 a class, or all that each has where one has fewer; ``episodes`` None: 600, or
    with all ways as many as there are distinct support sets, at most 100.
    ``split`` None: ``novel`` where the data set has splits, else all classes. ``variable``: Meta-Dataset's
    variable ways, shots and queries, in place of the three numbers. ``train_dataset``: the base data of
    methods that train, ``unlabelled``: further sets whose pictures they may use without labels.
    ``episodes_from``: a manifest to replay instead of drawing.
    """

    method: str
    dataset: str
    ways: Count | None = None
    shots: Count | None = None
    queries: Count | None = None
    episodes: int | None = None
    seed: int = 0
    split: str | None = None
    drop_small: bool = False
    variable: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)
    train_dataset: str = "packshots"
    unlabelled: tuple[str, ...] = ()
    episodes_from: Path | None = None
    protocol: Protocol = "fewshot"

    def __post_init__(self) -> None:
        if self.protocol not in SETTINGS:
            raise UsageError(f"--protocol is one of {', '.join(SETTINGS)}, not {self.protocol!r}.")
        for name, usual in zip(("ways", "shots", "queries"), SETTINGS[self.protocol], strict=True):
            asked = getattr(self, name)
            value: Count | None = usual if asked is None else count(asked, f"--{name}")
            if self.protocol in FIXED and value != usual:
                raise UsageError(
                    f"The protocol {self.protocol} has --{name} {usual}, and {asked} was asked for; leave it out, "
                    "or take --protocol fewshot."
                )
            object.__setattr__(self, name, "all" if self.variable else value)
        if self.protocol in FIXED and self.variable:
            raise UsageError(f"--variable draws few-shot episodes, and the protocol is {self.protocol}.")
        if self.protocol == "classification" and self.episodes not in (None, 1):
            raise UsageError(f"The protocol classification is one episode, not --episodes {self.episodes}.")
        if self.episodes is not None and self.episodes < 1:
            raise UsageError(f"--episodes must be a whole number from 1, not {self.episodes}.")
        if not 0 <= self.seed < 2**64:
            raise UsageError(f"--seed must be a whole number from 0 to 2**64 - 1, not {self.seed}.")

    @property
    def counts(self) -> tuple[Count, Count]:
        """Ways and shots, the protocol's where none were given."""
        return cast(tuple[Count, Count], (self.ways, self.shots))

    def command(self) -> str:
        """The command line that asks for the same run; a data set named by its path keeps the path as typed."""
        words = ["fsbench", "run", "--method", self.method, "--dataset", self.dataset]
        if self.protocol != "fewshot":
            words += ["--protocol", self.protocol]
        if self.episodes_from is not None:
            words += ["--episodes-from", self.episodes_from.name]
        else:
            if self.protocol not in FIXED:
                words += [
                    "--ways",
                    str(self.ways),
                    "--shots",
                    str(self.shots),
                ]
                words += [] if self.queries is None else ["--queries", str(self.queries)]
            if self.episodes is not None:
                words += ["--episodes", str(self.episodes)]
            words += ["--seed", str(self.seed)]
            words += ["--drop-small"] if self.drop_small else []
            words += ["--variable"] if self.variable else []
        if self.train_dataset != "packshots":
            words += ["--train-dataset", self.train_dataset]
        for name in self.unlabelled:
            words += ["--unlabelled", name]
        if self.split is not None:
            words += ["--split", self.split]
        for key, value in self.parameters.items():
            words += ["--set", f"{key}={value}"]
        return shlex.join(words)
