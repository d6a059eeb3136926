"""A check of a method's contract: its name, its sentence, the function that tries it, and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from fewshot_bench.conformance.subject import Subject

Verdict = Literal["holds", "fails", "skipped", "expected", "unexpected"]
"""``skipped``: the check does not apply. ``expected``: it fails, as the method declares. ``unexpected``: it holds,
although the method declares that it fails.
"""


class Answer(NamedTuple):
    """An answer of a check on a method: whether it holds, and one sentence."""

    verdict: Literal["holds", "fails", "skipped"]
    text: str


def holds(text: str) -> Answer:
    """Returns the answer of a check that holds."""
    return Answer("holds", text)


def fails(text: str) -> Answer:
    """Returns the answer of a check that fails."""
    return Answer("fails", text)


def skipped(text: str) -> Answer:
    """Returns the answer of a check that does not apply to the method, with the reason."""
    return Answer("skipped", text)


@dataclass(frozen=True)
class ContractCheck:
    """One thing that a method has to fulfil.

    Parameters
    ----------
    id : its name in lists and in ``expected_failures``: words in lower case, joined by hyphens.
    title : what is claimed, one sentence.
    explanation : why it matters and what mends it, one to three sentences.
    tries : the function that tries it.
    """

    id: str
    title: str
    explanation: str
    tries: Callable[[Subject], Answer]


@dataclass(frozen=True)
class Trial:
    """How one check ended: its id, its verdict, and one sentence that says what was seen."""

    check: str
    verdict: Verdict
    text: str

    def to_json(self) -> dict[str, Any]:
        """Returns the fields as a dictionary that JSON can hold."""
        return asdict(self)


def judged(check: ContractCheck, answer: Answer, reason: str | None) -> Trial:
    """Returns the trial of an answer; ``reason`` is what the method says of a failure that it expects, else None."""
    if reason is None or answer.verdict == "skipped":
        return Trial(check.id, *answer)
    if answer.verdict == "fails":
        return Trial(check.id, "expected", f"{answer.text} Declared: {reason}")
    return Trial(check.id, "unexpected", f"{answer.text} It is declared to fail ({reason}); remove that.")
