"""Precision at each recall of a table of retrieval, all methods in one inline SVG; every text escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from fewshot_bench.records import Record, printable

SIDE, MARGIN = 300, 36
"""The side of the chart's square and its margin, in pixels."""

STYLE = """
.precision { display: flex; flex-wrap: wrap; gap: 1rem; }
.precision svg { font: 12px system-ui, sans-serif; }
.precision ul { list-style: none; padding: 0; font-size: .85rem; flex: 1 1 16rem; }
"""


def precision_chart(records: Sequence[Record]) -> str:
    """Returns the chart of the records that hold a curve, in their order; "" where none does."""
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
        lines.append(f'<polyline points="{points}" fill="none" stroke-width="1.5" stroke="{colour}"/>')
        words = [record.method, *(f"{key}={value}" for key, value in record.parameters_set.items())]
        words += [f"training seed {record.train_seed}"] if record.train_seed else []
        legend.append(f'<li><span style="color:{colour}">━━</span> {escape(printable(" ".join(words)))}</li>')
    end, bottom = MARGIN + SIDE, 8 + SIDE
    ticks = "".join(
        f'<text x="{MARGIN + SIDE * v}" y="{bottom + 14}" text-anchor="middle" fill="currentColor">{v:g}</text>'
        f'<text x="{MARGIN - 4}" y="{bottom - SIDE * v + 4}" text-anchor="end" fill="currentColor">{v:g}</text>'
        for v in (0, 0.5, 1)
    )
    axis = f'x="{MARGIN + SIDE / 2}" y="{bottom + 30}" text-anchor="middle" fill="currentColor"'
    return (
        f'<div class="precision"><svg width="{end + 12}" height="{bottom + 36}" role="img"'
        ' aria-label="precision at each recall">'
        f'<path d="M{MARGIN} 8V{bottom}H{end}" fill="none" stroke="#8888"/>{ticks}'
        f"<text {axis}>recall (precision upwards)</text>{''.join(lines)}</svg>"
        f"<ul>{''.join(legend)}</ul></div>"
    )
