"""Checks of the scores themselves: their shape and type, probabilities, ranks of support images, padding."""

from __future__ import annotations

import numpy as np

from fewshot_bench.conformance.compare import equal
from fewshot_bench.conformance.contract_check import Answer, ContractCheck, fails, holds, skipped
from fewshot_bench.conformance.subject import Subject
from fewshot_bench.conformance.variants import padded, turned, with_absent_class
from fewshot_bench.engine.scoring import check_scores
from fewshot_bench.engine.solvers import as_array
from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.errors import FsbenchError
from fewshot_bench.heads.head import items_are_scores

SUM = 1e-3
"""How far the sum of an episode's probabilities may be from 1."""


def score_values(subject: Subject) -> Answer:
    """Tries that scores have the shape [E, Q, N] and are real numbers."""
    found = subject.first.scores
    try:
        check_scores(subject.tasks, found, "It")
    except FsbenchError as error:
        return fails(str(error))
    if not np.isfinite(found).all():
        return fails("It gives a class that is there an infinite score; give it a finite one.")
    return holds(f"Scores are {found.dtype} of shape {found.shape}.")


def probabilities(subject: Subject) -> Answer:
    """Tries that the scores of a calibrated method lie in 0 … 1 and sum to 1."""
    if not subject.method.calibrated:
        return skipped("It does not say that its scores are probabilities.")
    found = subject.scores
    low, high = float(found.min()), float(found.max())
    if low < 0 or high > 1 + SUM:
        return fails(
            f"calibrated is True and its scores lie in {low:.3g} … {high:.3g}; return probabilities."
        )
    worst = float(np.abs(found.sum(axis=2) - 1).max())
    if worst > SUM:
        return fails(f"calibrated is True and the scores of a query sum to 1 ± {worst:.3g}; normalise them.")
    return holds("Scores lie in 0 … 1, and those of a query sum to 1.")


def item_scores(subject: Subject) -> Answer:
    """Tries that the scores of support images are real numbers, one for each of them, in the order of their classes."""
    if not hasattr(getattr(subject.method, "head", None), "item_scores"):
        return skipped("It does not rank support images.")
    try:
        found = subject.items
    except FsbenchError as error:
        return fails(str(error))
    assert found is not None
    episodes, ways, shots = subject.tasks.support.shape
    moved, _ = turned(subject.tasks, 1)
    other = subject.solved(moved).items
    assert other is not None
    back = np.roll(other.reshape(episodes, -1, ways, shots), -1, axis=2).reshape(found.shape)
    answer = equal("The score of a support image stays with it, wherever it stands", found, back)
    return answer if answer.verdict == "fails" else answer_at_one_shot(subject) or answer


def answer_at_one_shot(subject: Subject) -> Answer | None:
    """Returns a failure where the head says that its item scores are its class scores at one shot, and they are not.

    A number that is added to all scores of a query ranks nothing and is left out. None where the claim holds, or is not
    made.
    """
    import torch

    head = getattr(subject.method, "head", None)
    if head is None or not items_are_scores(head):
        return None
    one = Tasks(subject.tasks.support[:, :, :1], subject.tasks.query)
    with subject.guard("scores"):
        ranked = as_array(
            head.item_scores(torch.from_numpy(subject.table.copy()).to(subject.context.device), one)
        )
    scores = subject.scores_of(one)
    near = [array - array.max(axis=2, keepdims=True) for array in (scores, ranked)]
    answer = equal(
        "At one shot its scores of support images are those of the classes, as its head says", *near
    )
    return answer if answer.verdict == "fails" else None


def diagnostics(subject: Subject) -> Answer:
    """Tries that diagnostics are numbers, one in all or one an episode."""
    for name, value in dict(subject.first.diagnostics).items():
        array = np.atleast_1d(np.asarray(value))
        if not isinstance(name, str) or array.dtype.kind not in "biuf" or array.ndim > 1:
            return fails(f"The diagnostic {name!r} is {value!r}; give a number, or an array [E] of numbers.")
        if len(array) not in (1, len(subject.tasks)):
            return fails(
                f"The diagnostic {name!r} has {len(array)} values for {len(subject.tasks)} episodes."
            )
    return holds(f"{len(subject.first.diagnostics)} diagnostics, each a number.")


def padding(subject: Subject) -> Answer:
    """Tries that room for another shot and another query changes no score."""
    found = subject.scores_of(padded(subject.tasks))[:, :-1]
    return equal("Room for another shot and query changes nothing", subject.scores, found)


def padded_classes(subject: Subject) -> Answer:
    """Tries that room for another class changes no score, and that the class itself has −inf."""
    found = subject.solved(with_absent_class(subject.tasks)).scores
    expected = (*subject.tasks.query.shape, subject.tasks.ways + 1)
    if found.shape != expected:
        return fails(f"With room for another class scores have the shape {found.shape} and not {expected}.")
    if not np.isneginf(found[:, :, -1]).all():
        return fails("A class that an episode does not have is given a score; give it −inf.")
    return equal("Room for another class changes nothing", subject.scores, found[:, :, :-1])


CHECKS = (
    ContractCheck(
        "score-values",
        "Scores are finite real numbers of shape [episodes, queries, ways]",
        "NaN is taken for the largest number by argmax, so that class 0 or the first NaN is predicted, and of a "
        "complex number only the real part is compared.",
        score_values,
    ),
    ContractCheck(
        "probabilities",
        "The scores of a calibrated method are probabilities",
        "`fsbench predict` shows them as probabilities and sets a threshold on them. Set `calibrated = False` where "
        "scores are distances or logits.",
        probabilities,
    ),
    ContractCheck(
        "item-scores",
        "The score of a support image stays with the image",
        "Average precision ranks support images; `item_scores` returns [E, Q, N · K] with the images of class 0 first. "
        "An array of another order ranks the wrong pictures and gives another mAP without a word.",
        item_scores,
    ),
    ContractCheck(
        "diagnostics",
        "Diagnostics are numbers, one in all or one an episode",
        "The record holds the largest, or for how many episodes one is true.",
        diagnostics,
    ),
    ContractCheck(
        "padding",
        "Room for another shot and another query changes nothing",
        "Classes of different sizes stand in one array, with −1 where there is no picture. A mean over all places "
        "counts row −1, which is the last picture of the table.",
        padding,
    ),
    ContractCheck(
        "padded-classes",
        "Room for another class changes nothing, and the class has the score −inf",
        "Episodes of different numbers of classes stand in one array; a class without support can be predicted by "
        "nobody.",
        padded_classes,
    ),
)
"""The checks of scores."""
