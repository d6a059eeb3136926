"""Precision at each recall of a table of retrieval, all methods in one inline SVG; every text escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from fewshot_bench.records import Record

SIDE, MARGIN, LINE = 300, 36, 18
"""Of the square of the chart, its margin and a line of the legend, in pixels."""


def precision_chart(records: Sequence[Record]) -> str:
    """The chart of the records that hold a curve, in their order; "" where none does."""
    held = [record for record in records if "precision" in record.arrays]
    if not held:
        return ""
    lines, legend = [], []
    for number, record in enumerate(held):
        values = record.arrays["precision"]
        colour = f"hsl({(210 + 137 * number) % 360} 65% 48%)"
        points = " ".join(
            f"{MARGIN + SIDE * i / (len(values) - 1):.1f},{8 + SIDE * (1 - value):.1f}"
            for i, value in enumerate(values.tolist())
        )
        lines.append(f'<polyline points="{points}" style="fill:none;stroke-width:1.5;stroke:{colour}"/>')
        words = [record.method, *(f"{key}={value}" for key, value in record.parameters_set.items())]
        y, x = 20 + LINE * number, MARGIN + SIDE + 16
        legend.append(f'<rect x="{x}" y="{y - 7}" width="14" height="4" style="fill:{colour}"/>')
        legend.append(f'<text x="{x + 20}" y="{y}">{escape(" ".join(words))}</text>')
    end, bottom = MARGIN + SIDE, 8 + SIDE
    ticks = "".join(
        f'<text x="{MARGIN + SIDE * v}" y="{bottom + 14}" text-anchor="middle">{v:g}</text>'
        f'<text x="{MARGIN - 4}" y="{bottom - SIDE * v + 4}" text-anchor="end">{v:g}</text>'
        for v in (0, 0.5, 1)
    )
    height = max(bottom + 34, 20 + LINE * len(held))
    return (
        f'<svg width="{end + 340}" height="{height}" role="img" aria-label="precision at each recall"'
        ' style="font:12px system-ui,sans-serif;fill:currentColor">'
        f'<path d="M{MARGIN} 8V{bottom}H{end}" style="fill:none;stroke:#8888"/>{ticks}'
        f'<text x="{MARGIN + SIDE / 2}" y="{bottom + 30}" text-anchor="middle">recall (precision upwards)</text>'
        f"{''.join(lines)}{''.join(legend)}</svg>"
    )
