"""Checks of order: of queries, classes and support images, none of which means anything."""

from __future__ import annotations

import numpy as np

from fewshot_bench.conformance.compare import Floats, equal
from fewshot_bench.conformance.contract_check import Answer, ContractCheck, fails, holds, skipped
from fewshot_bench.conformance.subject import Subject
from fewshot_bench.conformance.variants import turned
from fewshot_bench.episodes.tasks import Tasks

BIAS = 0.1
"""How much more than its share of the predictions a position may have over all orders of the classes."""

ERRORS = 5
"""How many standard errors over episodes and orders that excess has to be, since few episodes scatter."""

DRAWS = "Declared: it draws random numbers for each episode, so that scores change with the order; class-bias is tried."


def query_order(subject: Subject) -> Answer:
    """Tries that the order of queries moves their scores along, for transductive methods too."""
    tasks = subject.tasks
    backwards = subject.scores_of(Tasks(tasks.support, tasks.query[:, ::-1].copy()))[:, ::-1]
    return equal("The order of queries changes nothing", subject.scores, backwards)


def moved(subject: Subject, steps: int) -> Floats:
    """Returns the scores with classes moved round by some steps, back in the first order."""
    tasks, order = turned(subject.tasks, steps)
    back = np.empty_like(subject.scores)
    back[:, :, order] = subject.scores_of(tasks)
    return back


def class_order(subject: Subject) -> Answer:
    """Tries that the order of classes moves their scores along."""
    if subject.draws_per_episode:
        return skipped(DRAWS)
    for steps in (1, subject.tasks.ways // 2):
        answer = equal("The order of classes moves their scores along", subject.scores, moved(subject, steps))
        if answer.verdict != "holds":
            return answer
    return answer


def shot_order(subject: Subject) -> Answer:
    """Tries that the order of support images changes nothing."""
    if subject.draws_per_episode:
        return skipped(DRAWS)
    tasks = subject.tasks
    found = subject.scores_of(Tasks(tasks.support[:, :, ::-1].copy(), tasks.query))
    return equal("The order of support images changes nothing", subject.scores, found)


def class_bias(subject: Subject) -> Answer:
    """Tries that no position is predicted more often than others, over all orders of the classes.

    With each class at each position once, a method that treats positions alike predicts each position equally often;
    one that draws random numbers does so on average.
    """
    tasks, ways = subject.tasks, subject.tasks.ways
    if not subject.draws_per_episode:
        return skipped("The order of classes is tried exactly, by class-order.")
    assert subject.scores is not None
    predicted = [subject.scores_of(turned(tasks, steps)[0]).argmax(axis=2) for steps in range(ways)]
    shares = np.stack([(np.concatenate(predicted) == place).mean(axis=1) for place in range(ways)], axis=1)
    mean, error = shares.mean(axis=0), shares.std(axis=0, ddof=1) / np.sqrt(len(shares))
    place = int(mean.argmax())
    excess = float(mean[place] - 1 / ways)
    text = f"over all orders of {ways} classes, position {place} has {mean[place]:.0%} of the predictions"
    if excess > max(BIAS, ERRORS * float(error[place])):
        return fails(f"{text[0].upper()}{text[1:]} and its share is {1 / ways:.0%}.")
    return holds(f"No position is preferred: {text}, and its share is {1 / ways:.0%}.")


CHECKS = (
    ContractCheck(
        "query-order",
        "The order of queries moves their scores along",
        "Queries stand in a drawn order, and one that came in the order of their classes would be solved by counting. "
        "A transductive method may use all queries of an episode, and none of their places.",
        query_order,
    ),
    ContractCheck(
        "class-order",
        "The order of classes moves their scores along",
        "The number of a class in an episode is drawn. A method that prefers one number, or that learnt what stands "
        "where, scores the drawing and not the pictures.",
        class_order,
    ),
    ContractCheck(
        "shot-order",
        "The order of support images changes nothing",
        "The support of a class is a set. A method that draws initial weights or batches for each episode declares "
        "`draws_per_episode = True`.",
        shot_order,
    ),
    ContractCheck(
        "class-bias",
        "A method that draws random numbers for each episode prefers no position",
        "Random initial weights may change some predictions with the order of classes, but not towards one position: "
        f"over all orders none has {BIAS:.0%} of the predictions more than its share, beyond the scatter.",
        class_bias,
    ),
)
"""The checks of order."""
