"""The figure of a sweep: its measure against each parameter that was searched."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewshot_bench.embed import PretrainedEncoder
from fewshot_bench.errors import FsbenchError
from fewshot_bench.paths import cache_dir
from fewshot_bench.report.page.plots import ACCENT, RC, SHADES
from fewshot_bench.suites.sweep import Sweep, SweepTrial, best

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def figure(sweep: Sweep, trials: Sequence[SweepTrial]) -> bytes:
    """Returns an SVG with a panel for each parameter: the measure of all trials, the best one marked.

    Backbones stand at the number of their weights in millions, where their weights are at hand.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    done = [trial for trial in trials if trial.value is not None]
    space, winner = sweep.space(), best(list(done))
    with rc_context({**RC, "savefig.facecolor": "white", "figure.facecolor": "white"}):
        canvas = Figure(figsize=(3.4 * len(space), 3.0), layout="tight")
        axes = canvas.subplots(1, len(space), squeeze=False)[0]
        for panel, (name, spread) in zip(axes, space.items(), strict=True):
            values = [trial.parameters[name] for trial in done]
            places = [backbone_size(str(v)) for v in values] if name == "backbone" else values
            label = name
            if name == "backbone" and None not in places:
                label = "weights of the backbone, millions"
                named(panel, dict(zip(map(str, values), places, strict=True)), done, name)
            elif not all(isinstance(value, int | float) for value in places):
                kinds = sorted(set(map(str, values)))
                places = [kinds.index(str(value)) for value in values]
                panel.set_xticks(range(len(kinds)), kinds)
            panel.scatter(places, [100 * (t.value or 0.0) for t in done], s=18, color=ACCENT)
            panel.scatter([places[done.index(winner)]], [100 * (winner.value or 0.0)], s=70, facecolor="none",
                          edgecolor=SHADES[1], linewidth=1.5)  # fmt: skip
            if getattr(spread, "log", False):
                panel.set_xscale("log")
                panel.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
                panel.xaxis.set_minor_formatter("")
            panel.margins(x=0.08, y=0.12)
            panel.set_xlabel(label)
        word = "mAP" if sweep.measure == "map" else "accuracy"
        axes[0].set_ylabel(f"{word} on validation classes, %")
        stream = io.BytesIO()
        canvas.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()


def named(panel: Axes, sizes: Mapping[str, Any], done: Sequence[SweepTrial], name: str) -> None:
    """Writes the name of each backbone above its highest point, those at the sides towards the middle."""
    low, high = min(sizes.values()), max(sizes.values())
    for backbone, size in sizes.items():
        place = (size - low) / (high - low) if high > low else 0.5
        side = "left" if place < 0.25 else "right" if place > 0.75 else "center"
        top = max(100 * (t.value or 0.0) for t in done if str(t.parameters[name]) == backbone)
        panel.annotate(backbone, (size, top), xytext=(0, 6), textcoords="offset points", ha=side, fontsize=7)


def backbone_size(name: str) -> float | None:
    """Returns the weights of a backbone in millions; None where it cannot be built here."""
    try:
        trunk = PretrainedEncoder(name, cache=Path(cache_dir())).trunk
    except FsbenchError:
        return None
    return sum(parameter.numel() for parameter in trunk.parameters()) / 1e6
