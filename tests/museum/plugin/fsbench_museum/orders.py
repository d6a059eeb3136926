"""Methods that look at other queries, or at the place of a query, a class or a support image."""

from __future__ import annotations

import numpy as np

from fsbench_museum.honest import Honest, means, nearest, softmax


def there(tasks):
    return (tasks.query >= 0)[..., None]


class QueryBatchNorm(Honest):
    """Standardises queries by their own mean and deviation, as a batch norm in training mode does."""

    def solve(self, table, tasks):
        queries, real = table[tasks.query], there(tasks)
        mean = (queries * real).sum(1, keepdims=True) / real.sum(1, keepdims=True)
        spread = (
            np.sqrt((((queries - mean) * real) ** 2).sum(1, keepdims=True) / real.sum(1, keepdims=True))
            + 1e-3
        )
        centres = means(table, tasks)
        return nearest(table, tasks, (queries - mean) / spread, (centres - mean) / spread)


class UndeclaredKMeans(Honest):
    """Moves class means towards the queries near them, without saying that it is transductive."""

    def solve(self, table, tasks):
        queries, centres = table[tasks.query], means(table, tasks)
        for _ in range(3):
            share = softmax(nearest(table, tasks, queries, centres)) * there(tasks)
            centres = (means(table, tasks) + np.einsum("eqn,eqd->end", share, queries)) / (
                1 + share.sum(1)[:, :, None]
            )
        return nearest(table, tasks, queries, centres)


class UndeclaredBalance(Honest):
    """Divides the scores of a class by how much of the queries it has, without saying so."""

    def solve(self, table, tasks):
        share = softmax(nearest(table, tasks)) * there(tasks)
        return share / (share.sum(1, keepdims=True) + 1e-9)


class EqualMarginals(Honest):
    """Gives each class equally many queries (Sinkhorn); declares that it is transductive, as it is."""

    transductive = True

    def solve(self, table, tasks):
        plan = softmax(nearest(table, tasks), 5.0)
        plan = np.where(there(tasks), plan, 0.0)
        for _ in range(200):
            plan = plan / np.maximum(plan.sum(1, keepdims=True), 1e-300)
            plan = plan / np.maximum(plan.sum(2, keepdims=True), 1e-300)
        return np.where((tasks.support < 0).all(2)[:, None], -np.inf, plan)


class CountsQueries(Honest):
    """Takes queries to stand in the order of their classes: query q is of class q · N / Q."""

    def solve(self, table, tasks):
        places = np.arange(tasks.query.shape[1]) * tasks.ways // tasks.query.shape[1]
        return nearest(table, tasks) + 100.0 * (places[:, None] == np.arange(tasks.ways))


class SelfTrainingInOrder(Honest):
    """Adds each query to the class that it predicts before it looks at the next; declared transductive."""

    transductive = True

    def solve(self, table, tasks):
        scores = nearest(table, tasks)
        for e in range(len(tasks)):
            centres, counts = means(table, tasks)[e], np.full(tasks.ways, float(tasks.shots))
            for q, row in enumerate(tasks.query[e]):
                if row >= 0:
                    scores[e, q] = -np.linalg.norm(table[row] - centres, axis=1)
                    best = int(np.where(np.isnan(scores[e, q]), -np.inf, scores[e, q]).argmax())
                    counts[best] += 1
                    centres[best] += (table[row] - centres[best]) / counts[best]
        return np.where((tasks.support < 0).all(2)[:, None], -np.inf, scores)


class TakesTurns(Honest):
    """Never predicts a class twice in a row; declared transductive."""

    transductive = True

    def solve(self, table, tasks):
        scores = nearest(table, tasks)
        for q in range(1, scores.shape[1]):
            before = scores[:, q - 1].argmax(1)
            scores[np.arange(len(scores)), q, before] -= 0.5
        return scores


class EarlyQueriesAreEasy(Honest):
    """Scales scores by the place of the query, so that ranks across queries follow it."""

    def solve(self, table, tasks):
        return nearest(table, tasks) * (1 + np.arange(tasks.query.shape[1])[:, None])


class LikesTheFirstClass(Honest):
    """Favours class 0, which is the right one in an episode whose classes are sorted."""

    def solve(self, table, tasks):
        return nearest(table, tasks) - 0.5 * np.arange(tasks.ways)


class LikesTheFirstClassABit(Honest):
    """Favours class 0 a little: a third of the predictions change, and none of the scores much."""

    def solve(self, table, tasks):
        return nearest(table, tasks) + 0.2 * (np.arange(tasks.ways) == 0)


class BiasDeclaredAsChance(Honest):
    """Favours class 0 and says that it draws random numbers, for which an order may change scores."""

    draws_per_episode = True

    def solve(self, table, tasks):
        return nearest(table, tasks) + 1.0 * (np.arange(tasks.ways) == 0)


class FirstShot(Honest):
    """Looks at the first support image of a class alone."""

    def solve(self, table, tasks):
        return nearest(table, tasks, centres=table[tasks.support[:, :, 0]])


class LastShotCountsMost(Honest):
    """Weights support images by their place."""

    def solve(self, table, tasks):
        weight = (np.arange(tasks.shots) + 1.0)[None, None, :, None] * (tasks.support >= 0)[..., None]
        centres = (table[tasks.support] * weight).sum(2) / np.maximum(weight.sum(2), 1)
        return nearest(table, tasks, centres=centres)


class NamesUnread(Honest):
    """Declares that it reads the names of classes, to stand in another table, and looks at none."""

    reads_names = True


CHEATS = {
    NamesUnread: "class-names",
    QueryBatchNorm: "query-alone",
    UndeclaredKMeans: "query-alone",
    UndeclaredBalance: "query-alone",
    EqualMarginals: "query-balance",
    CountsQueries: "query-order",
    SelfTrainingInOrder: "query-order",
    TakesTurns: "query-order",
    EarlyQueriesAreEasy: "query-order",
    LikesTheFirstClass: "class-order",
    LikesTheFirstClassABit: "class-order",
    BiasDeclaredAsChance: "class-bias",
    FirstShot: "shot-order",
    LastShotCountsMost: "shot-order",
}
"""Each method of this module -> the check that catches it."""
