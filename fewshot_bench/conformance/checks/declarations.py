"""Checks of what a method says of itself."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from fewshot_bench.conformance.contract_check import Answer, ContractCheck, fails, holds, skipped
from fewshot_bench.conformance.subject import Subject
from fewshot_bench.contract.config import build
from fewshot_bench.engine.class_names import with_names

LONGEST = 120
"""Characters of a summary, which is one line of a list."""


def name(subject: Subject) -> Answer:
    """Tries that the class has the name that it is run under."""
    asked, own = subject.request.method, getattr(subject.method, "name", None)
    if own == asked:
        return holds(f"The class says that its name is {own}.")
    return fails(f"The entry point is named {asked!r} and the class says name = {own!r}; give both one name.")


def summary(subject: Subject) -> Answer:
    """Tries that there is a summary of one line."""
    found = getattr(subject.method, "summary", None)
    if not isinstance(found, str) or not found.strip():
        return fails(f"summary is {found!r}; write one line that says what the method does.")
    if "\n" in found or len(found) > LONGEST:
        return fails(f"summary has {len(found)} characters; write one line of at most {LONGEST}.")
    return holds("The summary is one line.")


def declarations(subject: Subject) -> Answer:
    """Tries that flags are true or false, that texts are texts, and that each expected failure names a check."""
    from fewshot_bench.conformance.checks import CHECKS

    method = subject.method
    for flag in ("transductive", "calibrated", "trains", "reads_names", "draws_per_episode"):
        if not isinstance(value := getattr(method, flag, None), bool):
            return fails(f"{flag} is {value!r}; write True or False.")
    for text in ("reference", "pretraining"):
        if not isinstance(value := getattr(method, text, None), str):
            return fails(f"{text} is {value!r}; write a text.")
    if not method.pretraining:
        return fails('pretraining is ""; write what data the weights saw, or "none".')
    known = {check.id for check in CHECKS}
    for id_, reason in dict(method.expected_failures).items():
        if id_ not in known:
            return fails(f"expected_failures names {id_!r}; `fsbench check --list` shows the checks.")
        if not isinstance(reason, str) or not reason.strip():
            return fails(f"expected_failures gives no reason for {id_!r}; write one.")
    return holds("Flags, texts and expected failures are what they should be.")


def parameters(subject: Subject) -> Answer:
    """Tries that the configuration is a frozen dataclass, and that its values are read back from text."""
    config: Any = subject.method.config
    kind: Any = type(config)
    stated = getattr(kind, "__dataclass_params__", None)
    if stated is None or not stated.frozen:
        return fails(f"Config is {type(config).__name__}; write @dataclass(frozen=True) above it.")
    words = {field.name: str(getattr(config, field.name)) for field in fields(config)}
    again = build(kind, "method", words)
    for field in fields(config):
        value, read = getattr(config, field.name), getattr(again, field.name)
        if value != read:
            return fails(
                f"--set {field.name}={value} is read as {read!r}; give the field the type of its value."
            )
    return holds(f"{len(words)} parameters, each read back from --set.")


def class_names(subject: Subject) -> Answer:
    """Tries that a method which declares that it reads names gives other scores where classes have other names."""
    if subject.names is None:
        return skipped("It does not declare `reads_names`, so that it is given no names.")
    tasks = with_names(subject.tasks, subject.names)
    assert tasks.names is not None
    swapped = replace(tasks, names=np.roll(tasks.names, 1, axis=1))
    if np.array_equal(subject.scores_of(tasks), subject.scores_of(swapped)):
        return fails(
            "It declares `reads_names` and has the same scores under any names; write reads_names = False."
        )
    return holds("Classes under other names have other scores.")


CHECKS = (
    ContractCheck(
        "name",
        "The class has the name of its entry point",
        "Records and tables carry the entry point's name; a class that calls itself otherwise is looked for in vain. "
        "Set `name` to the name in `setup.cfg`.",
        name,
    ),
    ContractCheck(
        "summary",
        "There is a summary of one line",
        "`fsbench methods` and the leaderboard show it. Set `summary`.",
        summary,
    ),
    ContractCheck(
        "declarations",
        "Flags, texts and expected failures are declared as what they are",
        "`transductive` decides in which table a method stands and `pretraining` whether it saw the classes, so that a "
        "text where a flag belongs puts it into the wrong one.",
        declarations,
    ),
    ContractCheck(
        "parameters",
        "The configuration is a frozen dataclass whose values are read back from text",
        "A record gives the command that repeats a run; parameters that change afterwards, or that `--set` reads as "
        "another value, make it another run.",
        parameters,
    ),
    ContractCheck(
        "class-names",
        "A method that declares `reads_names` reads the names of classes",
        "Tables mark such a method, since names tell it more than pictures do. Any other method is given no names.",
        class_names,
    ),
)
"""The checks of what a method says of itself."""
