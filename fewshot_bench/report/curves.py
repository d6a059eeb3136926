"""Training curves as inline SVG: one small chart for each number of a training log; every text escaped."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from fewshot_bench.records import Record

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 240, 130, 58, 22, 20
"""The size of a chart and its margins in pixels; the margins hold the numbers of the axes."""

STYLE = """
.curves { display: flex; flex-wrap: wrap; gap: .6rem; }
.curves svg { font: 11px system-ui, sans-serif; }
"""


def trainings(records: Sequence[Record]) -> str:
    """Returns the curves of the trainings of records, folded; one that several use is shown once, with all names."""
    shown: dict[str, list[str]] = {}
    for record in records:
        if curves := trained(record):
            words = [record.method, *(f"{key}={value}" for key, value in record.parameters_set.items())]
            words += [f"training seed {record.train_seed}"] if record.train_seed else []
            shown.setdefault(curves, []).append(" ".join(words))
    return "".join(
        f"<details><summary>Training of {escape('; '.join(names))}</summary>{curves}</details>"
        for curves, names in shown.items()
    )


def trained(record: Record) -> str:
    """Returns the curves of every training of a record; "" where it has none (older records, no training)."""
    training = record.data.get("training")
    training = training if isinstance(training, dict) else {}
    log, timings = _mapping(training.get("log")), _mapping(training.get("timings"))
    return "".join(_training(name, _mapping(log[name]), _mapping(timings.get(name))) for name in log)


def _training(name: str, log: Mapping[str, Any], timings: Mapping[str, Any]) -> str:
    """Returns one training: its name, how long it took, and a chart for each number."""
    series = {key: values for key, values in {**log, **timings}.items() if key != "epoch"}
    charts = [chart(key, values) for key, values in series.items() if isinstance(values, list)]
    if not any(charts):
        return ""
    seconds = timings.get("seconds")
    took = f", {seconds:.0f} s" if isinstance(seconds, int | float) else ""
    return f'<p>{escape(name)}{took}</p><div class="curves">{"".join(charts)}</div>'


def chart(name: str, values: Sequence[float | None]) -> str:
    """Returns values by epoch (from 1) as an SVG; a missing one leaves a gap; "" when all are missing."""
    points = [(i, float(v)) for i, v in enumerate(values) if isinstance(v, int | float) and math.isfinite(v)]
    if not points:
        return ""
    low, high = min(v for _, v in points), max(v for _, v in points)
    right, bottom = WIDTH - 8, HEIGHT - BOTTOM

    def place(i: int, value: float) -> tuple[float, float]:
        across = i / (len(values) - 1) if len(values) > 1 else 0.5
        up = (value - low) / (high - low) if high > low else 0.5
        return LEFT + across * (right - LEFT), bottom - up * (bottom - TOP)

    runs: list[list[tuple[float, float]]] = []
    for before, (i, value) in zip([-2, *(i for i, _ in points)], points, strict=False):
        if i != before + 1:
            runs.append([])
        runs[-1].append(place(i, value))
    lines = "".join(
        f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in run)}" fill="none" stroke="#38c"/>'
        for run in runs
        if len(run) > 1
    )
    dots = "".join(
        '<circle cx="{:.1f}" cy="{:.1f}" r="2.5" fill="#38c"><title>epoch {}: {:.4g}</title></circle>'.format(
            *place(i, value), i + 1, value
        )
        for i, value in points
    )
    label = f"{name}: {points[0][1]:.4g} to {points[-1][1]:.4g} in {len(values)} epochs"
    texts: list[tuple[int, float, str, str]] = [
        (LEFT, 14, "start", name),
        (right, HEIGHT - 5, "end", f"epoch {len(values)}"),
    ]
    texts += [(LEFT - 4, place(0, value)[1] + 4, "end", f"{value:.3g}") for value in sorted({low, high})]
    return (
        f'<svg width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{escape(label)}">'
        f'<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="#8888"/>{lines}{dots}'
        + "".join(
            f'<text x="{x}" y="{y}" text-anchor="{a}" fill="currentColor">{escape(t)}</text>'
            for x, y, a, t in texts
        )
        + "</svg>"
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    """Returns a mapping as it is, and an empty one for anything else: older records hold other things here."""
    return value if isinstance(value, Mapping) else {}
