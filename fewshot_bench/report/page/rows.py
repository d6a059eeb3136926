"""Rows of the page: what a table shows of each standing, as plain values for the template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fewshot_bench.records import Record, Score, printable
from fewshot_bench.report.leaderboard import Standing, Table, cells, each_training, protocol_of
from fewshot_bench.report.scores import percent


@dataclass(frozen=True)
class BoardRow:
    """One standing of a table. Numbers are in percent; None is a missing one.

    Parameters
    ----------
    key : its place in the page, ``t3-0``, for links and for the details that unfold.
    texts : its cells as ``leaderboard.cells`` gives them.
    mean, low, high : the headline with its interval over classes, or over episodes where there is none of classes.
    over : what ``low`` to ``high`` is over: "classes", "episodes" or "".
    trainings : a line for each training where there are several.
    search : everything that the search box looks at, in lower case.
    """

    key: str
    texts: dict[str, str]
    mean: float
    low: float | None
    high: float | None
    over: str
    setting: str
    pretrained: str
    contaminated: str
    selection: str
    trainings: list[str]
    search: str
    best: bool


@dataclass(frozen=True)
class Board:
    """One table of the page: its title, what is known of its episodes, its rows, best first."""

    key: str
    title: str
    headline: str
    dataset: str
    protocol: str
    synthetic: bool
    scale: tuple[float, float]
    facts: list[str]
    notes: list[str]
    kinds: list[str]
    rows: list[BoardRow]
    has_map: bool

    def shown(self, column: str) -> bool:
        """Returns whether a column says more than one thing: a setting that all rows share stands in ``facts``."""
        return len({one.texts[column] for one in self.rows}) > 1

    def place(self, value: float | None) -> str:
        """Returns where a value in percent lies on the table's scale, in percent of its width."""
        low, high = self.scale
        return "0" if value is None else f"{100 * (min(max(value, low), high) - low) / (high - low):.2f}"


def titles(tables: Sequence[Table]) -> list[str]:
    """Returns the titles of tables; where two are equal, each says which episodes it has."""
    found = [table.title for table in tables]
    return [
        f"{title} ({table.first.episodes_sha256[:8]})" if found.count(title) > 1 else title
        for title, table in zip(found, tables, strict=True)
    ]


def section(table: Table, key: str, title: str) -> Board:
    """Returns a table for the template; ``key`` is its anchor, and ``title`` stands above it."""
    first = table.first
    rows = [row(one, f"{key}-{place}") for place, one in enumerate(table.standings)]
    facts = [
        f"{first.images:,} pictures of {first.classes:,} classes, split {first.split}",
        f"seed {first.seed}, queries {first.queries} a class",
        f"episodes {first.episodes_sha256[:16]}",
    ]
    if len({one.setting for one in rows}) == 1:
        facts.insert(0, f"all methods {rows[0].setting}")
    if first.dropped:
        facts.append(f"{len(first.dropped)} classes left out as too small")
    return Board(
        key=key,
        title=title,
        headline=table.standings[0].headline[0],
        dataset=printable(f"{first.dataset}:{first.variant}"),
        protocol=printable(first.protocol),
        synthetic=first.synthetic,
        scale=scale_of(rows),
        facts=list(map(printable, facts)),
        notes=list(map(printable, first.dataset_notes)),
        kinds=sorted({one.headline[1].class_kind for one in table.standings} - {""}),
        rows=rows,
        has_map=protocol_of(first).headline != "map" and any(one.map for one in table.standings),
    )


def row(standing: Standing, key: str) -> BoardRow:
    """Returns a standing for the template."""
    record, (name, score), texts = standing.record, standing.headline, cells(standing)
    low, high, over = ends_of(score)
    texts = texts | {
        "score": percent(score.mean),
        "spread": texts[f"{name} %"].removeprefix(percent(score.mean)).strip(),
        "label": standing.label,
        "classes": texts[f"{name}: classes"],
        "mAP": percent(standing.map.mean) if standing.map else "",
    }
    return BoardRow(
        key=key,
        texts=texts,
        mean=100 * score.mean,
        low=low,
        high=high,
        over=over,
        setting=texts["setting"],
        pretrained="none" if record.pretraining == "none" else "some",
        contaminated="yes" if record.contaminated else "no",
        selection=selection(record),
        trainings=each_training(standing),
        search=f"{standing.label} {record.data.get('summary', '')} {record.pretraining}".lower(),
        best=standing.ranks[0] == 1,
    )


def selection(record: Record) -> str:
    """Returns what a training was selected on: ``validation`` classes or ``none``; ``untrained`` without one."""
    training = record.data.get("training") or {}
    if record.data.get("sweep"):
        return "validation"
    if not training:
        return "untrained"
    return "validation" if training.get("validation_classes") else "none"


def ends_of(score: Score) -> tuple[float | None, float | None, str]:
    """Returns the interval that is drawn, in percent, and what it is over."""
    for ends, over in ((score.class_interval, "classes"), (score.interval, "episodes")):
        if ends is not None:
            return 100 * ends[0], 100 * ends[1], over
    return None, None, ""


def scale_of(rows: list[BoardRow]) -> tuple[float, float]:
    """Returns the ends of a table's scale in percent: tens that hold every mean and every interval."""
    values = [v for one in rows for v in (one.mean, one.low, one.high) if v is not None]
    low, high = 10 * (min(values) // 10), -10 * (-max(values) // 10)
    low, high = max(0.0, low), min(100.0, high)
    return (low, high) if high > low else (max(0.0, low - 10), max(10.0, low))


def matrix(sections: list[Board], tables: list[Table]) -> dict[str, Any]:
    """Returns the summary: for each method and table the configuration that changes the fewest parameters.

    ``methods`` are in the order of their mean place (0 best, 1 last) over the tables that they stand in. A cell has its
    score, the key of its row, the share of its column's range that it reaches, and its label.
    """
    names: dict[str, dict[int, tuple[int, BoardRow]]] = {}
    for number, (shown, table) in enumerate(zip(sections, tables, strict=True)):
        for standing, one in zip(table.standings, shown.rows, strict=True):
            changed = len(standing.record.parameters_set)
            held = names.setdefault(standing.name, {})
            if number not in held or changed < held[number][0]:
                held[number] = changed, one
    columns = []
    for number in range(len(sections)):
        means = [held[number][1].mean for held in names.values() if number in held]
        columns.append((min(means), max(means)))
    lines = []
    for name, held in names.items():
        line: list[dict[str, Any] | None] = []
        places = []
        for number, (low, high) in enumerate(columns):
            if number not in held:
                line.append(None)
                continue
            one = held[number][1]
            share = (one.mean - low) / (high - low) if high > low else 1.0
            places.append(1 - share)
            line.append(
                {"text": percent(one.mean / 100), "key": one.key, "share": share, "label": one.texts["label"]}
            )
        lines.append((sum(places) / len(places), name, line))
    return {"methods": [(name, line) for _, name, line in sorted(lines, key=lambda made: made[:2])]}
