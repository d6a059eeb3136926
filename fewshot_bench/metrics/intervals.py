"""95 % intervals of one method, or of the paired difference of two; each says what it is over.

An interval over episodes says how well the mean over *these* classes is known. An interval over classes says
where the mean over the population lies that the classes were drawn from; it is far wider, and a claim about new
classes needs it. An interval over test pictures belongs to a single split of pictures.
``benchmarks/coverage.py`` measures how often each holds what it promises.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import FsbenchError

Values = NDArray[np.floating]
Ints = NDArray[np.integer]

CONFIDENCE = 0.95
EPISODES = "over episodes (Student t)"
JACKKNIFE = "over classes (delete-one-class jackknife)"
BOOTSTRAP = "over classes (bootstrap of the query's class, the others held fixed)"
PAIRED = "paired difference "
"""Set before a kind where the values are differences of two methods on the same episodes."""

QUERIES = "over test pictures (Wilson)"

DRAWS = 4_000
"""Resamples of the bootstrap, from a private generator with a fixed seed."""


@dataclass(frozen=True)
class Interval:
    """A mean with both ends of its 95 % interval; where there is none, ``reason`` says why in a sentence.

    The ends need not be equally far from the mean (Wilson, bootstrap).
    """

    mean: float
    low: float | None
    high: float | None
    kind: str
    reason: str | None = None

    @property
    def excludes_zero(self) -> bool:
        """Whether there is an interval and zero is not in it. A difference is then called significant."""
        return self.low is not None and self.high is not None and not self.low <= 0.0 <= self.high


def episode_interval(values: Values) -> Interval:
    """Closed interval over episodes from one value each, [E]: mean ± t · s / √E."""
    values = _finite(values)
    if len(values) < 2:
        return _none(float(values.mean()), EPISODES, "One episode alone has no spread over episodes.")
    error = float(values.std(ddof=1)) / len(values) ** 0.5
    return _symmetric(float(values.mean()), error, len(values) - 1, EPISODES)


def proportion_interval(hits: int, queries: int) -> Interval:
    """Wilson's score interval of ``hits`` right answers to ``queries`` pictures: it stays within 0 and 1.

    (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n): Wilson 1927. ``mean`` is p, not the centre of the interval.
    """
    from scipy.special import ndtri

    z, p = float(ndtri((1 + CONFIDENCE) / 2)), hits / queries
    centre = (p + z * z / (2 * queries)) / (1 + z * z / queries)
    half = z * (p * (1 - p) / queries + (z / (2 * queries)) ** 2) ** 0.5 / (1 + z * z / queries)
    low = 0.0 if hits == 0 else centre - half  # exact there, where the sum may be wrong in its last digit
    high = 1.0 if hits == queries else centre + half
    return Interval(p, low, high, QUERIES)


def accuracy_interval(values: Values, labels: Ints, *, over_pictures: bool) -> Interval:
    """Interval of an accuracy from the hits [E, Q] (1 right, 0 wrong) and labels [E, Q] (−1: padding).

    Wilson's interval over the test pictures where ``over_pictures`` (the protocol evaluates a split of pictures,
    and no picture is a query twice) or where there is a single episode, which has no spread over episodes.
    Student's t over episodes otherwise. FsbenchError where there is no query.
    """
    valid = labels >= 0
    if (over_pictures or len(values) == 1) and valid.any():
        return proportion_interval(round(float(values[valid].sum())), int(valid.sum()))
    return episode_interval(episode_means(values, labels))


def ap_interval(values: Values, labels: Ints) -> Interval:
    """Interval of an mAP from the APs [E, Q] and labels [E, Q] (−1: padding): Student's t over episodes.

    A single episode has none, and the reason says so: an AP is no proportion, and Wilson's interval does not apply.
    """
    return episode_interval(episode_means(values, labels))


def jackknife_interval(values: Values, classes: Ints) -> Interval:
    """Interval over classes from one value an episode [E] and the classes of each, [E, N] (−1: padding).

    The delete-one-class jackknife (Arvesen 1969, for U-statistics; an episode mean is one of degree N over
    classes): θ₋c = mean over the episodes without class c, Var = (C−1)/C · Σ_c (θ₋c − θ̄)², Student t with C−1
    degrees of freedom. None for C ≤ N + 2 classes, nor where a class is in every episode.
    """
    values = _finite(values)
    mean, episodes = float(values.mean()), len(values)
    present = classes >= 0
    names, place = np.unique(classes[present], return_inverse=True)
    count, ways = len(names), int(present.sum(axis=1).max())
    if count <= ways + 2:
        reason = f"{count} classes are too few for the jackknife over classes of {ways}-way episodes."
        return _none(mean, JACKKNIFE, reason)
    holding = np.bincount(place.reshape(-1), minlength=count)
    if holding.max() == episodes:
        return _none(mean, JACKKNIFE, "A class is in every episode, so that its absence cannot be measured.")
    owner = np.nonzero(present)[0]
    held = np.bincount(place.reshape(-1), weights=values[owner], minlength=count)
    without = (values.sum() - held) / (episodes - holding)
    error = float(np.sqrt((count - 1) / count * ((without - without.mean()) ** 2).sum()))
    return _symmetric(mean, error, count - 1, JACKKNIFE)


def query_class_interval(values: Values, query_classes: Ints) -> Interval:
    """Interval over classes from one value a query [E, Q] and its class [E, Q] (−1: padding).

    It is the percentile bootstrap over the query's class; the classes that a query is told apart from are held
    fixed. It serves episodes of all classes, where no episode lacks one. It is wide enough where classes differ in
    how spread their own images are, and too narrow where they differ only in how near each other they lie
    (``benchmarks/coverage.py`` measures both).
    """
    valid = (query_classes >= 0) & ~np.isnan(values)
    share = valid / valid.sum(axis=1, keepdims=True) / len(values)
    names, place = np.unique(query_classes[valid], return_inverse=True)
    total = np.bincount(place.reshape(-1), weights=(share[valid] * values[valid]))
    weight = np.bincount(place.reshape(-1), weights=share[valid])
    mean, count = float(total.sum()), len(names)
    if count < 3:
        return _none(mean, BOOTSTRAP, f"{count} classes are too few for an interval over classes.")
    generator = np.random.default_rng(0)
    times = generator.multinomial(count, np.full(count, 1 / count), size=DRAWS)
    drawn = (times @ total) / (times @ weight)
    low, high = (float(q) for q in np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]))
    return Interval(mean, low, high, BOOTSTRAP)


def class_interval(values: Values, labels: Ints, classes: Ints) -> Interval:
    """Interval over classes from one value a query [E, Q], its label [E, Q] and the classes [E, N].

    It is the jackknife, or the bootstrap of the query's class where every episode has all classes. Padding is −1;
    a NaN value (an AP that is not defined) does not count. The order of an episode's queries has no influence.
    """
    if len(np.unique(classes)) == classes.shape[1] and (classes >= 0).all():
        query_classes = np.where(labels >= 0, np.take_along_axis(classes, labels.clip(min=0), axis=1), -1)
        return query_class_interval(values, query_classes)
    return jackknife_interval(episode_means(values, labels), classes)


def paired_episode_interval(first: Values, second: Values) -> Interval:
    """Interval over episodes of the difference first − second, both [E] on the same episodes."""
    return _paired(episode_interval(_difference(first, second)))


def paired_class_interval(first: Values, second: Values, labels: Ints, classes: Ints) -> Interval:
    """Interval over classes of the difference first − second, both [E, Q] on the same queries."""
    return _paired(class_interval(_difference(first, second), labels, classes))


def episode_means(values: Values, labels: Ints) -> NDArray[np.float64]:
    """The mean over each episode's queries, [E, Q] -> [E]; padding (label −1) and NaN values do not count.

    FsbenchError where an episode has no value at all.
    """
    valid = (labels >= 0) & ~np.isnan(values)
    count = valid.sum(axis=1)
    if (count == 0).any():
        raise FsbenchError(
            f"episode {int(np.flatnonzero(count == 0)[0])} has no query with a value, so that it has no mean."
        )
    return np.asarray(np.where(valid, values, 0.0).sum(axis=1) / count)


def _difference(first: Values, second: Values) -> NDArray[np.float64]:
    if first.shape != second.shape:
        raise FsbenchError(
            f"shapes {first.shape} and {second.shape} cannot be paired; compare runs on the same episodes."
        )
    return np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)


def _paired(interval: Interval) -> Interval:
    return replace(interval, kind=PAIRED + interval.kind)


def _finite(values: Values) -> NDArray[np.float64]:
    if not np.isfinite(values).all() or not values.size:
        raise FsbenchError(
            f"an interval needs a number for every episode: {int((~np.isfinite(values)).sum())} of "
            f"{values.size} are not finite."
        )
    return np.asarray(values, dtype=np.float64)


def _symmetric(mean: float, error: float, freedom: int, kind: str) -> Interval:
    from scipy.special import stdtrit  # here, for scipy takes longer to import than a table to print

    half = float(stdtrit(freedom, (1 + CONFIDENCE) / 2)) * error
    return Interval(mean, mean - half, mean + half, kind)


def _none(mean: float, kind: str, reason: str) -> Interval:
    return Interval(mean, None, None, kind, reason)
