"""Open-set recognition: the score below which a picture is held to be of none of the known classes.

A picture is accepted when its best score is at least the threshold. The share of pictures of known classes that
are accepted is the true positive rate, the share of pictures of unknown classes that are accepted the false
positive rate; "FPR at 95 % TPR" is the second at the largest threshold with 0.95 or more of the first (Liang, Li,
Srikant: Enhancing the Reliability of Out-of-distribution Image Detection in Neural Networks, ICLR 2018, 4.2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import UsageError

Rule = Literal["known", "unknown", "both"]
Scores = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Threshold:
    """Scores below ``value`` are rejected.

    ``rule`` says what the threshold keeps. With ``known``, at most ``rate`` (0..1) of the scores of known classes are
    rejected; with ``unknown``, at most ``rate`` of the scores of unknown classes are accepted; with ``both``, both.
    ``known`` and ``unknown`` count the scores. ``rejected`` is the share of the known that is rejected and
    ``accepted`` the share of the unknown that is accepted; each is None where there are no such scores.
    """

    value: float
    rule: Rule
    rate: float
    known: int
    unknown: int
    rejected: float | None
    accepted: float | None

    def __str__(self) -> str:
        """Returns the rule, how many scores it rests on, and what was measured on them."""
        rate = f"at most {100 * self.rate:.3g} %"
        rule = {
            "known": f"the largest that rejects {rate} of pictures of the classes",
            "unknown": f"the smallest that accepts {rate} of others (few references have another of their class)",
            "both": f"amid those that reject {rate} of pictures of the classes and accept {rate} of others",
        }[self.rule]
        measured = []
        if self.rejected is not None:
            measured.append(f"{self.known} scored without themselves, it rejects {100 * self.rejected:.3g} %")
        if self.accepted is not None:
            measured.append(
                f"{self.unknown} scored without their class, it accepts {100 * self.accepted:.3g} %"
            )
        unmeasured = "" if self.known else "; what it rejects of the classes themselves could not be measured"
        return f"The threshold is {self.value:.4g}, {rule}; of {'; of '.join(measured)}{unmeasured}"


def reject_threshold(known: Scores, unknown: Scores, rate: float) -> Threshold:
    """Returns the threshold from best scores of known classes ``[m]`` and of unknown ones ``[n]``.

    Where thresholds exist that reject at most ``rate`` of the known and accept at most ``rate`` of the unknown, it is
    the middle between the smallest and the largest of them. Otherwise it is the largest that rejects at most
    ``rate`` of the known. Where the known are so few that the lowest of them would decide (``m · rate`` below 1) and
    there are more unknown, it is the smallest that accepts at most ``rate`` of the unknown. Raises UsageError when
    there are no scores at all, or ``rate`` is not in 0 <= rate < 1.
    """
    if not 0 <= rate < 1:
        raise UsageError(f"The rate of rejection must be at least 0 and below 1, not {rate}.")
    if not len(known) and not len(unknown):
        raise UsageError(
            "No threshold can be found: rejection needs a class of two different pictures, or three classes."
        )
    rule: Rule = "known" if len(known) * rate >= 1 or len(known) >= len(unknown) else "unknown"
    most = float(np.sort(known)[_allowed(len(known), rate)]) if len(known) else math.nan
    least = (
        float(np.nextafter(np.sort(unknown)[::-1][_allowed(len(unknown), rate)], np.inf))
        if len(unknown)
        else math.nan
    )
    value = most if rule == "known" else least
    if least <= most:
        rule, value = "both", least + (most - least) / 2
    return Threshold(
        value=value,
        rule=rule,
        rate=rate,
        known=len(known),
        unknown=len(unknown),
        rejected=float(np.mean(known < value)) if len(known) else None,
        accepted=float(np.mean(unknown >= value)) if len(unknown) else None,
    )


def rate_of_new(count: int, rate: float) -> float:
    """Returns the share that may be rejected of ``count`` scores, so that of a new one of their kind it is ``rate``.

    The k-th smallest of n scores is above a new one with the probability k / (n + 1) (Vovk, Gammerman, Shafer:
    Algorithmic Learning in a Random World, 2005): k = ⌊(n + 1) · rate⌋, of which k − 1 are below it; 0 where k is 0.
    """
    return max(0, _allowed(count + 1, rate) - 1) / max(1, count)


def placements(values: Scores, among: Scores) -> NDArray[np.float64]:
    """Returns for each value the share of ``among`` that is below it; those that are equal count one half."""
    ordered = np.sort(among)
    below = np.searchsorted(ordered, values, side="left") + np.searchsorted(ordered, values, side="right")
    found: NDArray[np.float64] = below / (2 * len(among))
    return found


def area(known: Scores, unknown: Scores) -> float:
    """Returns the AUROC, P(known > unknown) + ½ P(known = unknown), of one or more scores of each kind."""
    return float(placements(known, unknown).mean())


def _allowed(count: int, rate: float) -> int:
    """Returns the largest number that is at most ``rate`` · ``count``, rounding errors of the product aside."""
    return math.floor(count * rate + 1e-9)
