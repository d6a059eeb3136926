"""Checks of what an episode is solved from: its own support and query, and nothing else."""

from __future__ import annotations

import numpy as np

from fewshot_bench.conformance.compare import apart, equal
from fewshot_bench.conformance.contract_check import Answer, ContractCheck, fails, holds, skipped
from fewshot_bench.conformance.subject import MANY, Subject
from fewshot_bench.conformance.variants import cut, joined, linked
from fewshot_bench.contract.method import EmbeddingMethod
from fewshot_bench.engine.class_names import with_names
from fewshot_bench.episodes.tasks import Tasks

LONE = 4
"""The number of queries that are scored alone."""


def repeat(subject: Subject) -> Answer:
    """Tries that the same episodes have the same scores again, to the last bit."""
    scores, again = subject.scores, subject.scores_of(subject.tasks)
    if np.array_equal(scores, again):
        return holds("The same episodes have the same scores, to the last bit.")
    return fails(f"The same episodes, scored again, have other scores: {apart(scores, again)}.")


def batch(subject: Subject) -> Answer:
    """Tries that episodes solved one by one have the scores that they have in a batch, in any order."""
    tasks, count = subject.tasks, len(subject.tasks)
    alone = np.concatenate([subject.scores_of(tasks[e : e + 1]) for e in range(count)])
    found = equal("Episodes solved one by one have the scores of a batch", subject.scores, alone)
    if found.verdict != "holds" or not isinstance(subject.method, EmbeddingMethod):
        return found
    many = np.resize(np.arange(count)[::-1], MANY)
    large = subject.scores_of(Tasks(tasks.support[many], tasks.query[many]))
    return equal(
        f"Episodes solved one by one have the scores of a batch of {MANY}", subject.scores[many], large
    )


def revealing(subject: Subject) -> list[Tasks]:
    """Returns batches of episodes that show which class the queries of the subject's episodes have."""
    if isinstance(subject.method, EmbeddingMethod):
        own = int(subject.tasks.query.shape[1]) // subject.tasks.ways
        return [linked(subject.tasks, subject.labels, number) for number in range(max(1, own))]
    return [linked(subject.tasks[:1], subject.labels[:1], 0)]


def linked_episodes(subject: Subject) -> Answer:
    """Tries that episodes which show the class of another one's queries change nothing for it."""
    shown = revealing(subject)
    count = len(shown[0])
    own = subject.tasks[:count]
    claim = "Other episodes of the batch that show a query's class change nothing"
    for parts in ([own, *shown], [*shown, own]):
        found = subject.scores_of(joined(parts))
        start = 0 if parts[0] is own else len(found) - count
        part = found[start : start + count, : own.query.shape[1]]
        answer = equal(claim, subject.scores[:count], part)
        if answer.verdict != "holds":
            return answer
    return answer


def history(subject: Subject) -> Answer:
    """Tries that what was solved before changes nothing, neither for the same object nor for a new one."""
    scores, claim = subject.scores, "What was solved before changes nothing"
    for tasks in revealing(subject):
        subject.scores_of(tasks)
    answer = equal(claim, scores[:1], subject.scores_of(subject.tasks[:1]))
    if answer.verdict != "holds":
        return answer
    fresh = subject.make({})
    return equal(claim, scores[-1:], subject.scores_of(subject.tasks[-1:], method=fresh))


def own_rows(subject: Subject) -> Answer:
    """Tries that an episode solved on a table of its own pictures, renumbered, has the same scores."""
    found = []
    for episode in range(len(subject.tasks)):
        table, tasks = cut(
            subject.table, with_names(subject.tasks[episode : episode + 1], subject.names), seed=episode
        )
        found.append(subject.scores_of(tasks, table=table))
    claim = "An episode has the same scores on a table of its own pictures alone"
    return equal(claim, subject.scores, np.concatenate(found))


def query_alone(subject: Subject) -> Answer:
    """Tries that a query alone has the scores that it has among others."""
    tasks, part = subject.tasks, subject.scores[:1, :LONE]
    alone = [subject.scores_of(Tasks(tasks.support[:1], tasks.query[:1, q : q + 1])) for q in range(LONE)]
    answer = equal("A query alone has the scores it has among others", part, np.concatenate(alone, 1))
    if not subject.method.transductive:
        return answer
    return skipped(f"Declared transductive, and is{' not here' if answer.verdict == 'holds' else ''}.")


def query_balance(subject: Subject) -> Answer:
    """Tries that a transductive method predicts one class more often where all queries are of one class."""
    if not subject.method.transductive:
        return skipped("It is not transductive, so that no query changes the scores of another.")
    tasks, ways = subject.tasks, subject.tasks.ways
    most, shares = 1.0, []
    for way in range(ways):
        width = int((subject.labels == way).sum(axis=1).min())
        if width < 2:
            continue
        query = np.stack([q[own == way][:width] for q, own in zip(tasks.query, subject.labels, strict=True)])
        repeated = np.repeat(query, ways, axis=1)  # as many queries as of all classes, all of one
        predicted = subject.scores_of(Tasks(tasks.support, repeated)).argmax(axis=2)
        shares += [np.bincount(row, minlength=ways).max() / len(row) for row in predicted]
        most = 1 / ways
    if not shares:
        return skipped("No class has two queries.")
    largest = float(np.mean(shares))
    if largest <= most + 0.1:
        return fails(
            f"Where all queries are of one class, no class is predicted for more than {largest:.0%} of them: equal "
            "numbers of queries a class are assumed."
        )
    return holds(f"Where all queries are of one class, one is predicted for {largest:.0%} of them.")


def inputs(subject: Subject) -> Answer:
    """Tries that solving changes neither the table nor the row numbers."""
    from fewshot_bench.engine.solvers import solver_on

    assert subject.scores is not None
    table = subject.table.copy()
    tasks = Tasks(subject.tasks.support.copy(), subject.tasks.query.copy())
    solve, most = solver_on(
        subject.method, table, subject.context.device, guard=subject.guard, names=subject.names
    )
    solve(tasks[:most] if most else tasks)
    if not np.array_equal(table, subject.table):
        return fails("Solving episodes changes the table, which other episodes read; work on a copy.")
    same = np.array_equal(tasks.support, subject.tasks.support)
    if not same or not np.array_equal(tasks.query, subject.tasks.query):
        return fails("Solving episodes changes their row numbers; work on a copy.")
    return holds("Table and row numbers are left as they are.")


CHECKS = (
    ContractCheck(
        "repeat",
        "The same episodes have the same scores again, to the last bit",
        "A result that cannot be repeated cannot be compared. Draw random numbers from `context.generator` or from a "
        "seeded `torch.Generator` that is made anew for each call.",
        repeat,
    ),
    ContractCheck(
        "batch",
        "Episodes solved one by one have the scores of a batch",
        "How many episodes are solved at once depends on memory. Statistics over a batch of episodes let each of them "
        "see the pictures of others.",
        batch,
    ),
    ContractCheck(
        "linked-episodes",
        "Other episodes of the batch that show a query's class change nothing",
        "A picture is a query here and a support image there. Whoever joins what stands together in the support of any "
        "episode learns the classes of the test set, and no shop has them.",
        linked_episodes,
    ),
    ContractCheck(
        "history",
        "What was solved before changes nothing",
        "A head keeps no state between calls: support sets that are remembered show the classes of later queries, and "
        "a resumed run would have other scores.",
        history,
    ),
    ContractCheck(
        "own-rows",
        "An episode has the same scores on a table of its own pictures alone",
        "The table holds the pictures of all episodes, test pictures included, and its row numbers are the engine's. A "
        "mean, a covariance or a ranking over all of it uses pictures that are not in the episode.",
        own_rows,
    ),
    ContractCheck(
        "query-alone",
        "A query alone has the scores that it has among others",
        "Statistics of the queries, such as those of a batch norm in training mode, use unlabelled test pictures. A "
        "method that does so declares `transductive = True` and is ranked apart.",
        query_alone,
    ),
    ContractCheck(
        "query-balance",
        "A transductive method does not take each class to have equally many queries",
        "Published episodes have as many queries of each class, and a method that relies on it loses its lead where "
        "classes are unequal. One that is made for balanced queries declares the failure with that reason.",
        query_balance,
    ),
    ContractCheck(
        "inputs",
        "Solving changes neither the table nor the row numbers",
        "The table is lent to all episodes; what one writes into it, the next one reads.",
        inputs,
    ),
)
"""The checks of what an episode is solved from."""
