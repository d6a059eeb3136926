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
from fewshot_bench.metrics.deletion import Deletion, without_episodes
from fewshot_bench.metrics.means import episode_means

Values = NDArray[np.floating]
Ints = NDArray[np.integer]

CONFIDENCE = 0.95
EPISODES = "over episodes (Student t)"
PAIRED = "paired difference "
"""Stands before a kind where the values are differences of two methods on the same episodes."""

QUERIES = "over test pictures (Wilson)"

FAMILIES = "over families of classes (jackknife, deletions summed by family)"


@dataclass(frozen=True)
class Interval:
    """A mean with both ends of its 95 % interval; where there is none, ``reason`` says why in a sentence.

    The ends need not be equally far from the mean (Wilson).
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
    """Returns the closed interval over episodes from one value each, [E]: mean ± t · s / √E."""
    values = _finite(values)
    if len(values) < 2:
        return _none(float(values.mean()), EPISODES, "One episode alone has no spread over episodes.")
    error = float(values.std(ddof=1)) / len(values) ** 0.5
    return _symmetric(float(values.mean()), error, len(values) - 1, EPISODES)


def proportion_interval(hits: int, queries: int) -> Interval:
    """Returns Wilson's score interval of ``hits`` right answers to ``queries`` pictures: it stays within 0 and 1.

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
    """Returns the interval of an accuracy from the hits [E, Q] (1 right, 0 wrong) and labels [E, Q] (−1: padding).

    It is Wilson's interval over the test pictures where ``over_pictures`` (the protocol evaluates a split of pictures,
    and no picture is a query twice) or where there is a single episode, which has no spread over episodes; else
    Student's t over episodes. Raises FsbenchError where there is no query.
    """
    valid = labels >= 0
    if (over_pictures or len(values) == 1) and valid.any():
        return proportion_interval(round(float(values[valid].sum())), int(valid.sum()))
    return episode_interval(episode_means(values, labels))


def ap_interval(values: Values, labels: Ints) -> Interval:
    """Returns the interval of an mAP from the APs [E, Q] and labels [E, Q] (−1: padding): Student's t over episodes.

    A single episode has none, and the reason says so: an AP is no proportion, and Wilson's interval does not apply.
    """
    return episode_interval(episode_means(values, labels))


def deletion_interval(deletion: Deletion) -> Interval:
    """Returns the interval over classes of means without each class (``deletion.py``).

    The delete-one-class jackknife: Var = (C−1)/C · Σ_c (θ₋c − θ̄)², Student t with C−1 degrees of freedom.
    """
    if deletion.reason is not None:
        return _none(deletion.mean, deletion.kind, deletion.reason)
    without, count = deletion.without, len(deletion.without)
    error = float(np.sqrt((count - 1) / count * ((without - without.mean()) ** 2).sum()))
    return _symmetric(deletion.mean, error, count - 1, deletion.kind)


def family_interval(deletion: Deletion, families: Ints) -> Interval:
    """Returns the interval over families, such as brands, of means without each class.

    Products of one family are no independent draws: an interval over classes then holds too rarely.
    ``families`` [C] is the number of each class's family, in the order of ``deletion.without``. With
    S_g = Σ_{c in g} (θ₋c − θ̄), n_g classes in family g of G, and T_g = S_g (C−1)/(C−n_g), which is exactly the change
    by deleting the family where the mean is one over classes: Var = (G−1)/G · Σ_g T_g². Student's t has
    1/Σ(n_g/C)² − 1 degrees of freedom, which is G − 1 where families are of one size (Bell and McCaffrey 2002).
    There is none where that is below 2. ``benchmarks/coverage_families.py`` measures its coverage.
    """
    if deletion.reason is not None:
        return _none(deletion.mean, FAMILIES, deletion.reason)
    without, total = deletion.without, len(deletion.without)
    _, family = np.unique(families, return_inverse=True)
    sizes, summed = np.bincount(family), np.bincount(family, weights=without - without.mean())
    freedom = float(1 / ((sizes / total) ** 2).sum() - 1)
    if freedom < 2:
        reason = f"{len(sizes)} families of {total} classes are too few for an interval over families."
        return _none(deletion.mean, FAMILIES, reason)
    changes = summed * (total - 1) / (total - sizes)
    error = float(np.sqrt((len(sizes) - 1) / len(sizes) * (changes**2).sum()))
    return _symmetric(deletion.mean, error, freedom, FAMILIES)


def jackknife_interval(values: Values, classes: Ints) -> Interval:
    """Returns the interval over classes from one value an episode [E] and the classes of each, [E, N] (−1: padding).

    None for C ≤ N + 2 classes, nor where a class is in every episode.
    """
    return deletion_interval(without_episodes(_finite(values), classes))


def paired_deletion_interval(first: Deletion, second: Deletion) -> Interval:
    """Returns the interval over classes of the difference first − second on the same episodes."""
    reason = first.reason or second.reason
    mean = first.mean - second.mean
    apart = np.zeros(0) if reason else first.without - second.without
    return _paired(deletion_interval(Deletion(mean, apart, first.kind, reason)))


def paired_episode_interval(first: Values, second: Values) -> Interval:
    """Returns the interval over episodes of the difference first − second, both [E] on the same episodes."""
    return _paired(episode_interval(_difference(first, second)))


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


def _symmetric(mean: float, error: float, freedom: float, kind: str) -> Interval:
    from scipy.special import stdtrit  # here, for scipy takes longer to import than a table to print

    half = float(stdtrit(freedom, (1 + CONFIDENCE) / 2)) * error
    return Interval(mean, mean - half, mean + half, kind)


def _none(mean: float, kind: str, reason: str) -> Interval:
    return Interval(mean, None, None, kind, reason)
