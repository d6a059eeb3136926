"""Checks of setting up: twice, in another process, and without a trace in this one."""

from __future__ import annotations

import numpy as np

from fewshot_bench.conformance.compare import equal, equal_vectors
from fewshot_bench.conformance.contract_check import Answer, ContractCheck, fails, holds, skipped
from fewshot_bench.conformance.elsewhere import scores_elsewhere
from fewshot_bench.conformance.subject import Subject, generator_states


def setup_repeat(subject: Subject) -> Answer:
    """Tries that the method set up a second time has equal vectors and equal scores."""
    again, claim = subject.make({}), "The method set up again"
    if (encoder := subject.encoder) is not None:
        rows = subject.looked_at
        other = subject.vectors(again.encoder, rows)  # type: ignore[attr-defined]
        answer = equal_vectors(f"{claim} gives the same vectors", subject.vectors(encoder, rows), other)
        if answer.verdict != "holds":
            return answer
    return equal(
        f"{claim} gives the same scores", subject.scores, subject.scores_of(subject.tasks, method=again)
    )


def setup_process(subject: Subject) -> Answer:
    """Tries that the method has equal vectors and scores in another process, with another seed of Python's hashes."""
    if subject.request.given:
        return skipped(
            "Not tried, since a class or a data set that is registered nowhere is in this process alone."
        )
    vectors, scores = scores_elsewhere(subject)
    claim = "Another process gives the same"
    if (encoder := subject.encoder) is not None and vectors is not None:
        answer = equal_vectors(f"{claim} vectors", subject.vectors(encoder, subject.looked_at), vectors)
        if answer.verdict != "holds":
            return answer
    return equal(f"{claim} scores", subject.scores, np.asarray(scores))


def generators(subject: Subject) -> Answer:
    """Tries that global generators are left alone, since what draws from them depends on what ran before."""
    assert subject.first is not None
    names = [name for name, state in generator_states().items() if subject.before.get(name) != state]
    if not names:
        return holds("No global generator of random numbers is used.")
    said = " and ".join(names)
    return fails(
        f"{said[0].upper()}{said[1:]} is used; draw from context.generator or a seeded torch.Generator."
    )


def settings(subject: Subject) -> Answer:
    """Tries that settings of the process are left as they were."""
    assert subject.first is not None
    if not subject.guard.notes:
        return holds("Settings of the process are left as they were.")
    return fails(" ".join(subject.guard.notes))


CHECKS = (
    ContractCheck(
        "setup-repeat",
        "The method set up again gives the same vectors and scores",
        "Weights that are drawn in `setup` from no seed are others each time, and cached vectors hide it until the "
        "cache is empty. Draw them from `context.generator` or `context.seed`.",
        setup_repeat,
    ),
    ContractCheck(
        "setup-process",
        "Another process gives the same vectors and scores",
        "Seeds from `hash()`, from the clock or from a process number, and state left in a module, are the same within "
        "one process and others in the next.",
        setup_process,
    ),
    ContractCheck(
        "generators",
        "Global generators of random numbers are not used",
        "What draws from them depends on what ran before, and what seeds them makes other code repeat itself.",
        generators,
    ),
    ContractCheck(
        "settings",
        "Settings of the process are left as they were",
        "The default type, the number of threads, the working folder and the like change what the next method "
        "computes.",
        settings,
    ),
)
"""The checks of setting up."""
