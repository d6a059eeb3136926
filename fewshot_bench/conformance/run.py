"""Runs the checks of a method's contract on a few small episodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fewshot_bench.conformance.checks import CHECKS
from fewshot_bench.conformance.contract_check import ContractCheck, Trial, fails, judged, skipped
from fewshot_bench.conformance.subject import Subject, UnsoundScoresError, generator_states
from fewshot_bench.contract.context import Context, choose_device
from fewshot_bench.contract.guard import Guard
from fewshot_bench.contract.method import Method
from fewshot_bench.engine.fitting import make_ready
from fewshot_bench.engine.making import method_of
from fewshot_bench.engine.request import Request
from fewshot_bench.engine.run import episodes_of, evaluated, table_rows
from fewshot_bench.errors import UsageError
from fewshot_bench.paths import cache_dir
from fewshot_bench.progress import Progress, silent


@dataclass(frozen=True)
class Conformance:
    """A report on a method: the checks that were tried, and how each ended."""

    method: str
    dataset: str
    trials: tuple[Trial, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing failed that was not declared to fail."""
        return all(trial.verdict != "fails" for trial in self.trials)

    def to_json(self) -> dict[str, Any]:
        """Returns the result as a dictionary that JSON can hold."""
        found = [trial.to_json() for trial in self.trials]
        return {"method": self.method, "dataset": self.dataset, "sound": self.sound, "trials": found}


def check_method(
    request: Request,
    *,
    only: Sequence[str] = (),
    data_root: Path | None = None,
    device: str = "auto",
    cache: Path | None = None,
    progress: Progress = silent,
) -> Conformance:
    """Tries a method on the episodes of ``request``; ``only`` are ids of checks, none for all of them.

    The request has fixed ways and at least 2 shots and 2 queries a class. Trained methods are fitted first.
    Raises UsageError for a request that cannot be met or is too small, and FsbenchError when the method cannot be
    set up.
    """
    chosen = [check for check in CHECKS if check.id in only] if only else list(CHECKS)
    if unknown := sorted(set(only) - {check.id for check in chosen}):
        raise UsageError(f"There is no check {unknown[0]!r}; `fsbench check --list` shows them.")
    subject = subject_of(request, data_root=data_root, device=device, cache=cache, progress=progress)
    trials = tuple(tried(subject, chosen, progress))
    return Conformance(request.method, request.dataset, trials)


def subject_of(
    request: Request,
    *,
    data_root: Path | None = None,
    device: str = "auto",
    cache: Path | None = None,
    progress: Progress = silent,
) -> Subject:
    """Returns the method of a request, set up, with the episodes that it is tried on; errors are ``check_method``'s."""
    if request.variable or request.protocol != "fewshot":
        raise UsageError("A method is checked on few-shot episodes of fixed ways and shots.")
    index, _ = evaluated(
        request.given.open(request.dataset, data_root=data_root, progress=progress), request.split
    )
    method_of(request)  # a wrong name or parameter is told before anything is drawn
    episodes = episodes_of(request, index)
    if episodes.support.shape[2] < 2 or episodes.spec.queries == "all" or episodes.spec.queries < 2:
        raise UsageError("A method is checked with 2 shots and 2 queries a class at least; ask for them.")
    context = Context(
        device=choose_device(device), seed=request.train_seed, cache=cache or cache_dir(), progress=progress
    )
    rows = table_rows(index, episodes)
    import torch  # noqa: F401 (before the guard looks at what torch shares)

    before = generator_states()
    guard = Guard(f"The method {request.method}", generators=False)  # what moved them is looked for
    index.require_current(rows)

    def make(parameters: dict[str, Any]) -> Method:
        asked = replace(request, parameters={**request.parameters, **parameters})
        method, _ = method_of(asked)
        make_ready(method, asked, context, index, data_root=data_root, verify=False, guard=guard)
        return method

    tasks, labels = episodes.tasks(rows)
    return Subject(request, index, rows, tasks, labels, context, make, make({}), guard, before, data_root)


def tried(subject: Subject, checks: Sequence[ContractCheck], progress: Progress = silent) -> Iterator[Trial]:
    """Yields how each check ended."""
    for number, check in enumerate(checks):
        progress("check", number, len(checks))
        yield trial_of(subject, check)
    progress("check", len(checks), len(checks))


def trial_of(subject: Subject, check: ContractCheck) -> Trial:
    """Returns how one check ended; whatever the method raises in it is a failure."""
    try:
        answer = check.tries(subject)
    except Exception as error:  # a method may raise anything
        reason = " ".join(str(error).split()) or "no message"
        answer = fails(f"It raises {type(error).__name__}: {reason}")
        if unsound(subject):
            answer = skipped("Not tried, since its scores cannot be compared; see score-values.")
    return judged(check, answer, dict(subject.method.expected_failures).get(check.id))


def unsound(subject: Subject) -> bool:
    """Returns whether the method's scores cannot be compared at all, whatever is tried."""
    try:
        return subject.scores is None
    except UnsoundScoresError:
        return True
    except Exception:  # what it raises is the failure of the check that is tried
        return False
