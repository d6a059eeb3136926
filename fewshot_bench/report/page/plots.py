"""Figures of the page, drawn by Matplotlib as SVG that takes the colours of the text around it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fewshot_bench.report.across import AverageRanks, average_ranks, plain, scores, win_rates
from fewshot_bench.report.leaderboard import Table
from fewshot_bench.report.page.rows import Board
from fewshot_bench.report.ranking import distribution

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, ACCENT, SOFT = "#010203", "#3273b8", "#93b7dc"
"""The colour that becomes that of the text, that of the data, and a lighter one of the data."""

SHADES = ("#3273b8", "#b8651f", "#2f8f5b", "#8757b2", "#a33c4a", "#6b7280")
MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")
NO_ATTRIBUTE = r'["<>&]'

NAMED = 16
"""Rows of a figure at most, the best ones."""

RC: Any = {
    "svg.fonttype": "none", "svg.hashsalt": "fsbench", "font.family": "sans-serif", "font.size": 9.0,
    "text.color": INK, "axes.edgecolor": INK, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK,
    "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.6, "figure.facecolor": "none",
    "axes.facecolor": "none", "savefig.facecolor": "none", "text.parse_math": False,
}  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """A figure: its title, its SVG, and the sentences below it."""

    title: str
    svg: Any
    caption: str

    @property
    def name(self) -> str:
        """The title without the table's, with a capital."""
        name = self.title.partition(" in ")[0]
        return name[:1].upper() + name[1:]


def drawn(title: str, caption: str, size: tuple[float, float], draw: Callable[[Axes], None]) -> Figure:
    """Returns the figure that ``draw`` makes on axes of ``size`` inches; the same input gives the same bytes."""
    from markupsafe import Markup
    from matplotlib import rc_context
    from matplotlib.figure import Figure as Canvas

    with rc_context(RC):
        canvas = Canvas(figsize=size, layout="tight")
        draw(canvas.add_subplot())
        stream = io.StringIO()
        canvas.savefig(stream, format="svg", metadata={"Date": None})
    svg = stream.getvalue()
    svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    mark = re.sub(r"\W+", "-", title.lower())
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{mark}-", svg)
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{re.sub(NO_ATTRIBUTE, " ", title)}" ', 1)
    return Figure(title, Markup(svg), caption)


def short(text: str, width: int = 44) -> str:
    """Returns a label that fits a figure."""
    return text if len(text) <= width else text[: width - 1] + "…"


def plots_of(table: Table, shown: Board) -> list[Figure]:
    """Returns the figures of one table: rank ranges, score against cost, precision at each recall."""
    makers = [precision_figure] if len(shown.rows) < 3 else [ranks_figure, cost_figure, precision_figure]
    return [figure for make in makers if (figure := make(table, shown))]


def ranks_figure(table: Table, shown: Board) -> Figure | None:
    """Returns the range of ranks of each row, with how often it has each rank when classes are drawn anew."""
    kinds = {row.setting for row in shown.rows}
    rows = [one.trainings for one in table.standings]
    measure = "map" if shown.headline == "mAP" else "accuracy"
    if len(kinds) > 1:
        return None
    share = distribution(rows, measure)
    number = min(NAMED, len(rows))

    def draw(axes: Axes) -> None:
        for place in range(number):
            low, high = table.standings[place].ranks
            axes.plot(
                [low, high], [place, place], color=ACCENT, linewidth=2, solid_capstyle="round", zorder=2
            )
            if not np.isnan(share[place]).any():
                there = np.flatnonzero(share[place] >= 0.02)
                axes.scatter(there + 1, np.full(len(there), place), s=130 * share[place][there], color=SOFT, zorder=3,
                             edgecolors=ACCENT, linewidths=0.5)  # fmt: skip
        axes.set_yticks(range(number), [short(row.texts["label"]) for row in shown.rows[:number]])
        axes.invert_yaxis()
        axes.set_xlabel("rank")
        axes.set_xlim(0.5, len(rows) + 0.5)

    cut = "" if number == len(rows) else f" The first {number} of {len(rows)} rows."
    return drawn(
        f"Ranks in {shown.title}",
        "A line is the range of ranks that paired differences, corrected for all pairs, leave open. The area of a dot "
        "is how often a method has that rank when the classes are drawn anew (paired bootstrap over classes)."
        + cut,
        (6.6, 0.9 + 0.24 * number),
        draw,
    )


def cost_figure(table: Table, shown: Board) -> Figure | None:
    """Returns the score against the seconds of scoring a query, with the front that nothing else dominates."""
    cost = []
    for one in table.standings:
        each = [float(r.timings["score"]) / queries_of(r) + encoding(r) for r in one.trainings]
        cost.append(1000 * sum(each) / len(each))
    if min(cost) <= 0:
        return None
    means = [row.mean for row in shown.rows]
    front = pareto(cost, means)
    known = all(encoding(r) > 0 for one in table.standings for r in one.trainings)

    def draw(axes: Axes) -> None:
        ordered = sorted(front, key=lambda place: cost[place])
        axes.plot([cost[p] for p in ordered], [means[p] for p in ordered], color=SOFT, linewidth=1, zorder=1)
        for place, row in enumerate(shown.rows[: len(cost)]):
            fill = ACCENT if place in front else "none"
            axes.scatter(cost[place], means[place], s=22, color=fill, edgecolors=ACCENT, zorder=2)
            if place in front:
                axes.annotate(short(row.texts["label"], 34), (cost[place], means[place]), xytext=(4, 3),
                              textcoords="offset points", fontsize=8)  # fmt: skip
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_formatter(lambda value, _: "")
        what = "encoding and scoring" if known else "scoring, embeddings being cached"
        axes.set_xlabel(f"milliseconds a query: {what}")
        axes.set_ylabel(f"{shown.headline} %")
        axes.margins(x=0.3)

    return drawn(
        f"{shown.headline} against cost in {shown.title}",
        "Filled points are the front: nothing else is both faster and better. Times are those of the machines that "
        "made the records; see the row of each.",
        (6.6, 3.2),
        draw,
    )


def precision_figure(table: Table, shown: Board) -> Figure | None:
    """Returns the mean precision at each recall of the rows whose records keep it."""
    pairs = zip(table.standings, shown.rows, strict=True)
    held = [(row, one.record.arrays["precision"]) for one, row in pairs if "precision" in one.record.arrays]
    if not held:
        return None

    def draw(axes: Axes) -> None:
        for number, (row, values) in enumerate(held[:NAMED]):
            recall, shade = np.linspace(0, 100, len(values)), SHADES[number % len(SHADES)]
            axes.plot(recall, 100 * values, color=shade, linewidth=1.2,
                      linestyle=("-", "--", ":")[number // 6 % 3], label=short(row.texts["label"], 40))  # fmt: skip
        axes.set_xlabel("recall %")
        axes.set_ylabel("precision %")
        axes.set_ylim(0, 102)
        axes.legend(frameon=False, fontsize=7.5, loc="upper left", bbox_to_anchor=(1.0, 1.0))

    return drawn(
        f"Precision at each recall in {shown.title}",
        "The interpolated precision of all queries, averaged at equal steps of recall.",
        (8.6, 3.2),
        draw,
    )


def queries_of(record: Any) -> int:
    """Returns the number of queries of a record, at least 1."""
    return max(1, int((record.per_query["label"] >= 0).sum()))


def encoding(record: Any) -> float:
    """Returns the seconds of encoding a picture that a record measured; 0 where all of its vectors were cached."""
    return float(record.timings.get("picture", 0.0))


def pareto(cost: Sequence[float], means: Sequence[float]) -> set[int]:
    """Returns the points that no other point dominates: none is as cheap and better, or cheaper and as good."""
    return {
        i
        for i in range(len(cost))
        if not any(
            cost[j] <= cost[i] and means[j] >= means[i] and (cost[j] < cost[i] or means[j] > means[i])
            for j in range(len(cost))
        )
    }


def overview(tables: Sequence[Table], sections: Sequence[Board]) -> dict[str, Any]:
    """Returns what is said across tables: figures, and the win rates as a table."""
    methods, found = scores(tables)
    often = [row for row in range(len(methods)) if (~np.isnan(found[row])).sum() >= 2]
    every, _ = win_rates(found)
    met = [row for row in often if not np.isnan(every[row]).all()]
    order = sorted(met, key=lambda row: -float(np.nanmean(every[row])))[:NAMED]
    rate, shared = win_rates(found[order])
    wins = [(methods[row], cells_of(rate[place], shared[place])) for place, row in enumerate(order)]
    figures = [critical_figure(found_ranks)] if (found_ranks := average_ranks(tables)) else []
    for axis in ("shots", "ways"):
        if figure := growth_figure(tables, axis):
            figures.append(figure)
    return {"figures": figures, "wins": wins if len(wins) > 1 else []}


def cells_of(rates: Any, shared: Any) -> list[tuple[int, int] | None]:
    """Returns win rates in percent with the number of tables, None where no table has both."""
    pairs = zip(rates, shared, strict=True)
    return [None if np.isnan(rate) else (round(100 * rate), int(tables)) for rate, tables in pairs]


def critical_figure(found: AverageRanks) -> Figure:
    """Returns the critical-difference diagram of average ranks."""
    k = len(found.methods)

    def draw(axes: Axes) -> None:
        axes.scatter(found.ranks, range(k), color=ACCENT, s=24, zorder=3)
        for place, rank in enumerate(found.ranks):
            axes.plot(
                [rank - found.critical / 2, rank + found.critical / 2],
                [place, place],
                color=SOFT,
                linewidth=2,
            )
        axes.set_yticks(range(k), [short(name) for name in found.methods])
        axes.invert_yaxis()
        axes.set_xlabel(f"average rank over {len(found.datasets)} data sets")

    return drawn(
        "Average ranks across data sets",
        f"Two methods whose lines overlap cannot be told apart over these {len(found.datasets)} data sets (Nemenyi's "
        f"critical difference, {found.critical:.2f} ranks at 5 %): {', '.join(found.datasets)}. With so few data sets "
        "only large differences can be seen.",
        (6.6, 0.9 + 0.26 * k),
        draw,
    )


def growth_figure(tables: Sequence[Table], axis: str) -> Figure | None:
    """Returns the headline against shots or ways, of methods that were measured at two values or more of a data set."""
    other = "ways" if axis == "shots" else "shots"
    lines: dict[tuple[str, str], dict[int, float]] = {}
    for table in tables:
        first = table.first
        at = first.classes if first.data[axis] == "all" and axis == "ways" else first.data[axis]
        if not isinstance(at, int) or table.standings[0].headline[0] != "accuracy":
            continue
        set_name = f"{first.dataset}:{first.variant}, {first.data[other]} {other}"
        if axis == "ways":
            set_name = f"{first.dataset}:{first.variant}, {first.data[other]}-shot"
        for one in plain(table).values():
            lines.setdefault((set_name, one.label), {})[at] = 100 * one.headline[1].mean
    several = {key: points for key, points in lines.items() if len(points) >= 2}
    best: dict[str, list[tuple[str, dict[int, float]]]] = {}
    for (set_name, method), points in several.items():
        best.setdefault(set_name, []).append((method, points))
    if not best:
        return None
    chosen = [
        (f"{method}, {set_name}", points)
        for set_name, held in sorted(best.items())
        for method, points in sorted(held, key=lambda item: -max(item[1].values()))[:2]
    ][:12]

    def draw(axes: Axes) -> None:
        for number, (name, points) in enumerate(chosen):
            xs = sorted(points)
            axes.plot(xs, [points[x] for x in xs], marker=MARKS[number % len(MARKS)], markersize=4, linewidth=1,
                      color=SHADES[number % len(SHADES)], label=short(name, 60))  # fmt: skip
        axes.set_xscale("log")
        values = sorted({x for _, points in chosen for x in points})
        axes.set_xticks(values, [str(v) for v in values])
        axes.minorticks_off()
        axes.set_xlabel(axis)
        axes.set_ylabel("accuracy %")
        axes.legend(frameon=False, fontsize=7.5, loc="upper left", bbox_to_anchor=(1.0, 1.0))

    return drawn(
        f"Accuracy against {axis}",
        "Configurations that change the fewest parameters, of data sets that were measured at two numbers of "
        f"{axis} or more; the two best of each.",
        (8.6, 0.8 + 0.24 * max(8, len(chosen))),
        draw,
    )
