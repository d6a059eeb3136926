"""The checks of a method's contract as pytest parameters, for a plugin's own tests.

    from fewshot_bench.testing import parametrize_with_checks

    @parametrize_with_checks("my-method", episodes=2)
    def test_my_method_keeps_its_contract(check):
        check()

Each check is a test of its own. One that does not apply is skipped with the reason, and one that the method declares
in ``expected_failures`` is an expected failure (``xfail``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from fewshot_bench.conformance.checks import CHECKS
from fewshot_bench.conformance.contract_check import ContractCheck
from fewshot_bench.conformance.run import subject_of, trial_of
from fewshot_bench.conformance.subject import Subject
from fewshot_bench.engine import Request
from fewshot_bench.engine.given import Given, Methodical, named_data, named_method
from fewshot_bench.engine.request import TRAIN_DATASET
from fewshot_bench.errors import UsageError
from fewshot_bench.progress import silent

SIZES: dict[str, Any] = {"dataset": "digits", "ways": 5, "shots": 2, "queries": 4, "episodes": 3}
"""What a method is tried on unless a test says otherwise, as in ``fsbench check``."""


@dataclass(eq=False)
class CheckedMethod:
    """The method of all tests of one parametrisation, set up when the first of them runs."""

    method: Methodical
    device: str
    options: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def subject(self) -> Subject:
        """The method, ready, with its episodes."""
        asked = {**SIZES, **self.options}
        name, given, values = named_method(self.method, asked.pop("parameters", None) or {})
        places = [asked.pop("dataset"), asked.pop("train_dataset", TRAIN_DATASET)]
        (evaluated, base), indexes = named_data(places, None, silent)
        request = Request(
            method=name, dataset=evaluated, parameters=values, train_dataset=base, given=Given(given, indexes),
            **asked,
        )  # fmt: skip
        return subject_of(request, device=self.device)


@dataclass(frozen=True, eq=False)
class BoundCheck:
    """A check of one method; calling it raises AssertionError where the check fails."""

    shared: CheckedMethod
    check: ContractCheck

    def __call__(self) -> None:
        """Tries the check: passes, fails with what was seen, is skipped, or fails as declared."""
        import pytest

        trial = trial_of(self.shared.subject, self.check)
        if trial.verdict == "skipped":
            pytest.skip(trial.text)
        if trial.verdict == "expected":
            pytest.xfail(trial.text)
        if trial.verdict == "unexpected":
            raise AssertionError(f"{self.check.id}: {trial.text}")
        if trial.verdict == "fails":
            raise AssertionError(f"{self.check.id}: {trial.text} {self.check.explanation}")


def parametrize_with_checks(
    *methods: Methodical,
    only: Sequence[str] = (),
    without: Sequence[str] = (),
    device: str = "cpu",
    **options: Any,
) -> Callable[[Any], Any]:
    """Returns a decorator that gives a test its argument ``check``, for each check of each method.

    Parameters
    ----------
    methods : names of entry points, or classes, which need not be registered.
    only, without : ids of checks; ``only`` empty means all, less those of ``without``.
    device : ``cpu``, ``cuda`` or ``auto``.
    options : fields of ``Request`` such as ``dataset``, ``episodes``, ``parameters`` or ``train_dataset``.

    Raises UsageError for an unknown check.
    """
    import pytest

    known = {check.id for check in CHECKS}
    if unknown := sorted({*only, *without} - known):
        raise UsageError(f"There is no check {unknown[0]!r}; `fsbench check --list` shows them.")
    chosen = [check for check in CHECKS if (not only or check.id in only) and check.id not in without]
    rows = []
    for method in methods:
        shared = CheckedMethod(method, device, options)
        rows += [
            pytest.param(BoundCheck(shared, check), id=f"{named_method(method, {})[0]}-{check.id}")
            for check in chosen
        ]
    return pytest.mark.parametrize("check", rows)
