"""The leaderboard as one HTML file that needs nothing beside it; every text in it is escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape as escape_html

from fewshot_bench.records import printable
from fewshot_bench.report.curves import STYLE as CURVES
from fewshot_bench.report.curves import trainings
from fewshot_bench.report.leaderboard import Entry, Table, cells, each_training, not_shown
from fewshot_bench.report.markdown import LEGEND
from fewshot_bench.report.precision import STYLE as PRECISION
from fewshot_bench.report.precision import precision_chart

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 84rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; font-size: .9rem; }
th, td { text-align: left; padding: .35rem .5rem; border-bottom: 1px solid #8884; white-space: nowrap; }
td.long { white-space: normal; min-width: 9rem; max-width: 22rem; overflow-wrap: anywhere; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.synthetic { background: #fa03; padding: .2rem .6rem; border-radius: .3rem; }
.bar { display: inline-block; width: 7rem; height: .7rem; background: #8883; position: relative; }
.bar i { position: absolute; top: .25rem; height: .2rem; background: #38c; }
.bar b { position: absolute; top: 0; height: .7rem; width: .2rem; background: #27a; }
.scroll { overflow-x: auto; } pre { white-space: pre-wrap; overflow-wrap: anywhere; }
tr.more td { padding-top: 0; white-space: normal; } tr.more details { margin: 0; } tr.more ul { margin: .2rem 0; }
details { margin: .5rem 0 2rem; } small { opacity: .75; }
"""

CLASSES = {
    "method": "",
    "setting": "",
    "ranked by": "",
    "parameters": ' class="long"',
    "pretraining": ' class="long"',
}
"""Attributes of the cells of columns of text; the others hold numbers."""


def escape(text: str) -> str:
    """Returns text as HTML; a byte that is no UTF-8 is shown as an escape."""
    return escape_html(printable(text))


def bar(mean: float, interval: tuple[float, float] | None) -> str:
    """Returns the mean as a mark and its interval over classes as a line, on a scale from 0 to 100 %."""
    line = ""
    if interval:
        low, high = (min(1.0, max(0.0, v)) for v in interval)
        line = f'<i style="left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"></i>'
    return f'<span class="bar" aria-hidden="true">{line}<b style="left:{97 * mean:.1f}%"></b></span>'


def rows_of(entry: Entry, used: list[str], attributes: list[str], place: int) -> str:
    """Returns the row of an entry and, where it has several trainings, a row below it that unfolds them."""
    score, texts = entry.headline[1], cells(entry)
    tds = [f"<td{a}>{escape(texts[key])}</td>" for key, a in zip(used, attributes, strict=True)]
    tds.insert(place, f"<td>{bar(score.mean, score.class_interval)}</td>")
    row = f"<tr>{''.join(tds)}</tr>"
    if each := each_training(entry):
        items = "".join(f"<li>{escape(text)}</li>" for text in each)
        summary = f"{len(each)} trainings of {entry.label}"
        row += (
            f'<tr class="more"><td></td><td colspan="{len(used)}"><details><summary>{escape(summary)}</summary>'
            f"<ul>{items}</ul></details></td></tr>"
        )
    return row


def section(table: Table) -> str:
    """Returns one table with its notes and commands."""
    first = table.first
    body = [cells(entry) for entry in table.entries]
    used = [key for key in body[0] if any(c[key] for c in body)]
    attributes = [CLASSES.get(key, ' class="number"') for key in used]
    heads = [f"<th{a}>{escape(key)}</th>" for key, a in zip(used, attributes, strict=True)]
    place = used.index("accuracy %")
    heads.insert(place, f"<th>{table.entries[0].headline[0]}, classes</th>")
    lines = [rows_of(entry, used, attributes, place) for entry in table.entries]
    warning = ""
    if first.synthetic:
        warning = '<p class="synthetic">Drawn pictures, not photographs: never compare with real data.</p>'
    notes = "".join(
        f"<li>{escape(note)}</li>" for note in filter(None, (*first.dataset_notes, not_shown(table)))
    )
    records = [record for entry in table.entries for record in entry.trainings]
    commands = escape("\n".join(record.command for record in records))
    return (
        f"<h2>{escape(table.title)}</h2>{warning}"
        f'<div class="scroll"><table><thead><tr>{"".join(heads)}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
        f"{precision_chart(records)}"
        f"<details><summary>Episodes {escape(first.episodes_sha256[:16])} and commands</summary>"
        f"<ul>{notes}</ul><pre>{commands}</pre></details>"
        f"{trainings(records)}"
    )


def page(made: Sequence[Table], title: str = "Leaderboard") -> str:
    """Returns the whole document."""
    sections = "\n".join(map(section, made))
    legend = re.sub(r"\*(\w+)\*", r"<em>\1</em>", escape(LEGEND))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}{CURVES}{PRECISION}</style></head>\n"
        f"<body><h1>{escape(title)}</h1><p><small>{legend}</small></p>\n{sections}\n</body></html>\n"
    )
