"""Methods whose scores are no numbers to rank by, whose words are not true, or that leave a process otherwise."""

from __future__ import annotations

import os
import random
import tempfile
from dataclasses import dataclass

import numpy as np

from fsbench_museum.honest import Honest, nearest, softmax


class NotANumber(Honest):
    """NaN where it is not sure, which argmax takes for the best class."""

    def solve(self, table, tasks):
        scores = nearest(table, tasks)
        return np.where(scores == scores.min(2, keepdims=True), np.nan, scores)


class InfiniteScores(Honest):
    """Infinite scores of several classes, between which the order decides."""

    def solve(self, table, tasks):
        scores = nearest(table, tasks)
        return np.where(scores > np.median(scores), np.inf, scores)


class ComplexScores(Honest):
    """Complex numbers, of which a comparison sees the real part."""

    def solve(self, table, tasks):
        return nearest(table, tasks) + 1j


class TooFewClasses(Honest):
    """Scores of all classes but the last."""

    def solve(self, table, tasks):
        return nearest(table, tasks)[:, :, :-1]


class OneColumnForAll(Honest):
    """One score a query, which would be spread over all classes."""

    def solve(self, table, tasks):
        return nearest(table, tasks).max(2, keepdims=True)


def items(table, tasks):
    """The similarity of each query to each support image, ``[E, Q, N · K]``."""
    support = table[tasks.support.reshape(len(tasks), -1)]
    return -np.linalg.norm(table[tasks.query][:, :, None] - support[:, None], axis=3)


def as_tensor(array):
    import torch

    return torch.as_tensor(array)


class ItemsOfAnotherShape(Honest):
    """Scores of support images shot by shot, where class by class is asked for."""

    @staticmethod
    def item_scores(table, tasks):
        found = items(table, tasks).reshape(*tasks.query.shape, tasks.ways, tasks.shots)
        return as_tensor(found.swapaxes(2, 3).reshape(*tasks.query.shape, -1).copy())


class ItemsOfOneShot(Honest):
    """Scores of the first support image of a class alone."""

    @staticmethod
    def item_scores(table, tasks):
        return as_tensor(items(table, tasks)[:, :, :: tasks.shots].copy())


class ItemsNotANumber(Honest):
    """NaN among the scores of support images."""

    @staticmethod
    def item_scores(table, tasks):
        found = items(table, tasks)
        return as_tensor(np.where(found < np.median(found), np.nan, found))


class DistancesAsProbabilities(Honest):
    """Says that it is calibrated, and returns distances."""

    calibrated = True


class ProbabilitiesOfOneClass(Honest):
    """Says that it is calibrated, and gives each class a probability of its own."""

    calibrated = True

    def solve(self, table, tasks):
        return 1 / (1 + np.exp(-nearest(table, tasks)))


class ScoresOfNobody(Honest):
    """Gives a class without support a score."""

    def solve(self, table, tasks):
        return np.nan_to_num(nearest(table, tasks), neginf=0.0)


class SharesWithNobody(Honest):
    """A softmax in which a class without support takes its share."""

    def solve(self, table, tasks):
        found = nearest(table, tasks)
        share = softmax(np.where(np.isneginf(found), found[np.isfinite(found)].max(), found))
        return np.where(np.isneginf(found), -np.inf, share)


class CountsPadding(Honest):
    """A class mean over all places, the empty ones too, which read the last row of the table."""

    def solve(self, table, tasks):
        scores = nearest(table, tasks, centres=table[tasks.support].mean(2))
        return np.where((tasks.support < 0).all(2)[:, None], -np.inf, scores)


class TriesAgain(Honest):
    """Other noise in each call, so that one can run until the number is good."""

    def solve(self, table, tasks):
        return nearest(table, tasks) + np.random.default_rng().normal(size=(1, 1, tasks.ways))


class GlobalNumpyGenerator(Honest):
    """Draws from numpy's global generator."""

    def setup(self, context):
        super().setup(context)
        np.random.rand()  # noqa: NPY002


class SeedsPython(Honest):
    """Seeds Python's global generator, for itself and for all others."""

    def solve(self, table, tasks):
        random.seed(0)
        return nearest(table, tasks)


class SeedsTorch(Honest):
    """Seeds torch's global generator."""

    def setup(self, context):
        import torch

        super().setup(context)
        torch.manual_seed(0)


class DefaultDouble(Honest):
    """Makes float64 the default type of all methods that follow."""

    def setup(self, context):
        import torch

        super().setup(context)
        torch.set_default_dtype(torch.float64)


class ChangesTheFolder(Honest):
    """Changes the working folder."""

    def setup(self, context):
        super().setup(context)
        os.chdir(tempfile.gettempdir())


class SilencesNumpy(Honest):
    """Switches numpy's warnings of overflow off for all."""

    def solve(self, table, tasks):
        np.seterr(all="ignore")
        return nearest(table, tasks)


class AnotherName(Honest):
    """A name that is not that of its entry point."""

    name = "state-of-the-art"


class LongSummary(Honest):
    """A summary that fills the table."""

    summary = "the best method " * 20


class NoSummary(Honest):
    """No summary."""

    summary = ""


class TextForAFlag(Honest):
    """A text where true or false belongs, which counts as true."""

    transductive = "no"


class TextForAnotherFlag(Honest):
    """A text where true or false belongs, which excuses what it should not."""

    draws_per_episode = "no"


class HiddenPretraining(Honest):
    """No word of what its weights saw, so that it is not marked as contaminated."""

    pretraining = ""


class ExcuseWithoutReason(Honest):
    """An expected failure without a reason."""

    expected_failures = {"own-rows": " "}  # noqa: RUF012


class ExcuseForNothing(Honest):
    """An expected failure of a check that is not there."""

    expected_failures = {"own-row": "it is so in the paper"}  # noqa: RUF012


@dataclass
class Loose:
    """Parameters that can be changed afterwards."""

    size: int = 8


class ChangingParameters(Honest):
    """Parameters that can be changed after they were recorded."""

    Config = Loose


CHEATS = {
    NotANumber: "score-values",
    InfiniteScores: "score-values",
    ComplexScores: "score-values",
    TooFewClasses: "score-values",
    OneColumnForAll: "score-values",
    ItemsOfAnotherShape: "item-scores",
    ItemsOfOneShot: "item-scores",
    ItemsNotANumber: "item-scores",
    DistancesAsProbabilities: "probabilities",
    ProbabilitiesOfOneClass: "probabilities",
    ScoresOfNobody: "padded-classes",
    SharesWithNobody: "padded-classes",
    CountsPadding: "padding",
    TriesAgain: "repeat",
    GlobalNumpyGenerator: "generators",
    SeedsPython: "generators",
    SeedsTorch: "generators",
    DefaultDouble: "settings",
    ChangesTheFolder: "settings",
    SilencesNumpy: "settings",
    AnotherName: "name",
    LongSummary: "summary",
    NoSummary: "load",
    TextForAFlag: "load",
    TextForAnotherFlag: "declarations",
    HiddenPretraining: "declarations",
    ExcuseWithoutReason: "declarations",
    ExcuseForNothing: "declarations",
    ChangingParameters: "parameters",
}
"""Each method of this module -> the check that catches it."""
