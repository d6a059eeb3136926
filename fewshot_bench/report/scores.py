"""Scores as text: percent to one decimal, ± only where an interval is symmetric about its mean as shown."""

from __future__ import annotations

from fewshot_bench.records import Score

Ends = tuple[float, float]


def percent(value: float | None) -> str:
    """Returns ``0.7012`` as ``70.1``, and "" for a missing number."""
    return "" if value is None else f"{100 * value:.1f}"


def low_to_high(ends: Ends | None) -> str:
    """Returns both ends of an interval of a share, in percent, cut to 0 and 100; "" where there is none."""
    if ends is None:
        return ""
    low, high = (percent(min(1.0, max(0.0, end))) for end in ends)
    return f"{low} to {high}"


def half_width(mean: float, ends: Ends) -> str | None:
    """Returns what stands after ±, or None where both sides differ as shown or an end is beyond 0 or 100 %."""
    below, above = percent(mean - ends[0]), percent(ends[1] - mean)
    return below if below == above and ends[0] >= 0.0 and ends[1] <= 1.0 else None


def with_interval(score: Score) -> str:
    """Returns ``70.1 ± 0.4``, or ``98.5 (96.2 to 99.4)`` where the interval is not symmetric about the mean."""
    if score.interval is None:
        return percent(score.mean)
    half = half_width(score.mean, score.interval)
    if half is not None:
        return f"{percent(score.mean)} ± {half}"
    return f"{percent(score.mean)} ({low_to_high(score.interval)})"
