"""Figures as words, for sentences that people read."""

from __future__ import annotations

from fewshot_bench.protocols import Count


def facing(what: str, exposed: int, queries: int, share: float, shots: Count) -> str:
    """Returns in words how many queries may have a near-duplicate in their support, and how many have one."""
    if not exposed:
        return f"None of {queries:,} queries has a {what} that may be in its support"
    return (
        f"{exposed:,} of {queries:,} queries {'has' if exposed == 1 else 'have'} a {what} that may be in their "
        f"support, and {percent(share)} of the queries meet it at {counted(shots, 'shot')}"
    )


def percent(share: float) -> str:
    """Returns a share as text: "0 %", "0.21 %", "13 %"."""
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"


def counted(count: Count, one: str, several: str = "") -> str:
    """Returns a number with its noun: "1 shot", "5 shots", "all shots"."""
    return f"{count:,} {one}" if count == 1 else f"{count} {several or one + 's'}"
