"""Means without one class: what the delete-one-class jackknife is made of, one vector a method.

The interval of a method, and that of the difference of any two, come from these vectors, so that all pairs of a table
cost one matrix product (``pairs.py``). ``benchmarks/coverage.py`` measures how often such intervals hold what they
promise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.metrics.means import episode_means

Values = NDArray[np.floating]
Ints = NDArray[np.integer]
Floats = NDArray[np.float64]

JACKKNIFE = "over classes (delete-one-class jackknife)"
RIVALS = "over classes (delete-one-class jackknife, the class deleted as a rival too)"


@dataclass(frozen=True, eq=False)
class Deletion:
    """The mean of a method, and its mean without each class.

    Parameters
    ----------
    mean : the mean over episodes, 0..1.
    without : ``[C]``, the mean without class c; empty where it is not known.
    kind : what an interval of these is over.
    reason : why there is none, in a sentence; None where there is.
    """

    mean: float
    without: Floats
    kind: str
    reason: str | None = None


def all_ways(classes: Ints) -> bool:
    """Returns whether every episode of ``classes [E, N]`` (−1: padding) has all classes."""
    return len(np.unique(classes)) == classes.shape[1] and bool((classes >= 0).all())


def without_episodes(values: Values, classes: Ints) -> Deletion:
    """Returns the means over the episodes without class c, from one value an episode ``[E]`` and ``classes [E, N]``.

    A mean over episodes is a U-statistic of degree N over classes (Arvesen 1969). There is none for C ≤ N + 2 classes,
    nor where a class is in every episode.
    """
    mean = float(values.mean())
    present = classes >= 0
    names, place = np.unique(classes[present], return_inverse=True)
    count, ways = len(names), int(present.sum(axis=1).max())
    if count <= ways + 2:
        reason = f"{count} classes are too few for the jackknife over classes of {ways}-way episodes."
        return Deletion(mean, np.zeros(0), JACKKNIFE, reason)
    holding = np.bincount(place.reshape(-1), minlength=count)
    if holding.max() == len(values):
        reason = "A class is in every episode, so that its absence cannot be measured."
        return Deletion(mean, np.zeros(0), JACKKNIFE, reason)
    owner = np.nonzero(present)[0]
    held = np.bincount(place.reshape(-1), weights=values[owner].astype(np.float64), minlength=count)
    return Deletion(mean, (values.sum(dtype=np.float64) - held) / (len(values) - holding), JACKKNIFE)


def without_rivals(label: Ints, prediction: Ints, rank: Ints, classes: Ints) -> Deletion:
    """Returns accuracies without class c where every episode has all C classes.

    Class c goes as the class of its queries and as a rival: a query of another class that was answered c becomes right
    exactly where the truth stood second. ``label``, ``prediction`` and ``rank`` (of the truth, 0 where it is predicted)
    are ``[E, Q]`` with −1 for padding, ``classes [E, C]``. There is none for fewer than 3 classes.
    """
    episodes, count = classes.shape
    there = label >= 0
    right = there & (prediction == label)
    queries = there.sum(axis=1)
    mean = float((right.sum(axis=1) / queries).mean())
    if count < 3:
        return Deletion(
            mean, np.zeros(0), RIVALS, f"{count} classes are too few for an interval over classes."
        )
    order = np.argsort(classes, axis=1)
    place = np.argsort(order, axis=1)  # [E, N]: position in an episode -> number of the class
    row = np.repeat(np.arange(episodes)[:, None], label.shape[1], axis=1)

    def counted(which: NDArray[np.bool_], position: Ints) -> Floats:
        """How many of the queries ``which`` are at each class, ``[E, C]``."""
        cell = row[which] * count + place[row[which], position[which]]
        return np.bincount(cell, minlength=episodes * count).reshape(episodes, count).astype(np.float64)

    own, own_right = counted(there, label), counted(right, label)
    gained = counted(there & (rank == 1) & (prediction >= 0), prediction)
    left = queries[:, None] - own
    if (left == 0).any():
        return Deletion(mean, np.zeros(0), RIVALS, "An episode has queries of one class alone.")
    kept = right.sum(axis=1)[:, None] - own_right + gained
    return Deletion(mean, (kept / left).mean(axis=0), RIVALS)


def accuracy_deletion(label: Ints, prediction: Ints, rank: Ints | None, classes: Ints) -> Deletion:
    """Returns the deletion of an accuracy, whether episodes have all classes or some; arrays as ``without_rivals``.

    ``rank`` None: it is not known, and there is none for all ways.
    """
    hits = ((prediction == label) & (label >= 0)).astype(np.float64)
    means = episode_means(hits, label)
    if not all_ways(classes):
        return without_episodes(means, classes)
    if rank is None:
        reason = "The rank of the truth is not recorded, and the jackknife of all ways needs it."
        return Deletion(float(means.mean()), np.zeros(0), RIVALS, reason)
    return without_rivals(label, prediction, rank, classes)


def ap_deletion(ap: Values, label: Ints, classes: Ints) -> Deletion:
    """Returns the deletion of an mAP from the APs ``[E, Q]``; none where every episode has all classes.

    What a ranking would be without a class is not kept.
    """
    means = episode_means(ap, label)
    if all_ways(classes):
        reason = "Every episode ranks pictures of all classes, and a ranking without one of them is not kept."
        return Deletion(float(means.mean()), np.zeros(0), RIVALS, reason)
    return without_episodes(means, classes)


def average(deletions: Sequence[Deletion]) -> Deletion:
    """Returns the deletion of the mean over several trainings, of the same episodes each."""
    first = deletions[0]
    mean = float(np.mean([d.mean for d in deletions]))
    reason = next((d.reason for d in deletions if d.reason), None)
    if reason:
        return Deletion(mean, np.zeros(0), first.kind, reason)
    return Deletion(mean, np.mean([d.without for d in deletions], axis=0), first.kind)
