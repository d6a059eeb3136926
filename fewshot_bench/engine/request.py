"""Request: everything a run was asked for, checked, and as the command that asks for it again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from fewshot_bench.errors import UsageError

Count = int | Literal["all"]


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

    ``ways``, ``shots``, ``queries``: a number or ``"all"``; ``episodes`` None: 600, or with all ways as
    many as there are distinct support sets, at most 100. ``split`` None: ``novel`` where the data set has
    splits, else all classes. ``variable``: Meta-Dataset's variable ways, shots and queries, in place of
    the three numbers. ``train_dataset``: the base data of methods that train, ``unlabelled``: further sets
    whose pictures they may use without labels. ``episodes_from``: a manifest to replay instead of drawing.
    """

    method: str
    dataset: str
    ways: Count = 5
    shots: Count = 1
    queries: Count = 15
    episodes: int | None = None
    seed: int = 0
    split: str | None = None
    drop_small: bool = False
    variable: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)
    train_dataset: str = "packshots"
    unlabelled: tuple[str, ...] = ()
    episodes_from: Path | None = None

    def __post_init__(self) -> None:
        for name in ("ways", "shots", "queries"):
            value = "all" if self.variable else count(getattr(self, name), f"--{name}")
            object.__setattr__(self, name, value)
        if self.episodes is not None and self.episodes < 1:
            raise UsageError(f"--episodes must be a whole number from 1, not {self.episodes}.")
        if not 0 <= self.seed < 2**64:
            raise UsageError(f"--seed must be a whole number from 0 to 2**64 - 1, not {self.seed}.")

    def command(self) -> str:
        """The command line that asks for the same run; a data set named by its path keeps the path as typed."""
        words = ["fsbench", "run", "--method", self.method, "--dataset", self.dataset]
        if self.episodes_from is not None:
            words += ["--episodes-from", self.episodes_from.name]
        else:
            words += ["--ways", str(self.ways), "--shots", str(self.shots), "--queries", str(self.queries)]
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
