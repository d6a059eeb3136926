"""Cheats that no check finds, for they attack the process that checks and scores; a process of their own stops them."""

from __future__ import annotations

import gc
import os
import sys

import numpy as np

from fsbench_museum.honest import Honest, nearest


def labels_in_reach(shape, ways):
    """An integer array that may be the labels of the queries, in any frame or object of this process, or None."""
    frame, things = sys._getframe(), gc.get_objects()
    while frame is not None:
        things += list(frame.f_locals.values())
        frame = frame.f_back
    for thing in things:
        alike = type(thing) is np.ndarray and thing.dtype == np.int64 and thing.shape == shape
        if alike and thing.min() >= 0 and thing.max() < ways:
            return thing
    return None


class ReadsTheFrames(Honest):
    """Looks for the labels of the queries in the frames of its callers; honest where there are none."""

    def solve(self, table, tasks):
        labels = labels_in_reach(tasks.query.shape, tasks.ways)
        scores = nearest(table, tasks)
        return scores if labels is None else (labels[:, :, None] == np.arange(tasks.ways)).astype(float)


class ReplacesTheScores(Honest):
    """Replaces the functions that say what is predicted and where the truth ranks."""

    def solve(self, table, tasks):
        import fewshot_bench.engine.scoring as scoring

        scoring.ranks_of_truth = lambda scores, labels: np.where(labels >= 0, 0, -1)
        scoring.predictions = lambda scores, valid: labels_in_reach(valid.shape, scores.shape[2])
        return nearest(table, tasks)


class BehavesWhenChecked(Honest):
    """Honest while it is checked; otherwise it looks for labels."""

    def solve(self, table, tasks):
        if "fewshot_bench.conformance.run" in sys.modules:
            return nearest(table, tasks)
        return ReadsTheFrames.solve(self, table, tasks)


class EndsTheProcess(Honest):
    """Ends the process with exit status 0, as if all had gone well."""

    def solve(self, table, tasks):
        os._exit(0)


IMPOSSIBLE = (ReadsTheFrames, ReplacesTheScores, EndsTheProcess, BehavesWhenChecked)
"""The methods of this module."""
