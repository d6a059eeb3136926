"""page: from tables to one HTML document; templates escape every text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import metadata, resources
from typing import Any

from fewshot_bench.progress import Progress, silent
from fewshot_bench.records import Record, printable
from fewshot_bench.report.leaderboard import Table, not_shown
from fewshot_bench.report.page.details import details
from fewshot_bench.report.page.gallery import Failure
from fewshot_bench.report.page.plots import overview, plots_of
from fewshot_bench.report.page.rows import matrix, section, titles

WITH_CLASSES = 240
"""Rows of a page whose details have the accuracy of each class; more would make the file heavy."""

PLOTTED = 24
"""Tables of a page that have figures of their own, the first ones."""

BIBTEX = """@software{fsbench,
  title = {fsbench: a few-shot image benchmark},
  author = {{fewshot-bench contributors}},
  version = {%s},
  license = {Apache-2.0}
}
"""


def page(
    made: Sequence[Table],
    title: str = "Leaderboard",
    *,
    galleries: Mapping[int, tuple[str, Sequence[Failure]]] | None = None,
    progress: Progress = silent,
) -> str:
    """Returns the whole document.

    Every file that it needs is inside it. It opens from a disk and asks for nothing from a network. ``galleries`` are
    the failures of a row of some tables, with its label, by the number of the table from 0.
    """
    from jinja2 import Environment, StrictUndefined

    tables = list(made)
    named = enumerate(zip(tables, titles(tables), strict=True), 1)
    sections = [section(table, f"t{number}", name) for number, (table, name) in named]
    rows = sum(len(shown.rows) for shown in sections)
    each = max(3, WITH_CLASSES // max(1, len(sections))) if rows > WITH_CLASSES else rows
    unfolded, figures = {}, {}
    for number, (shown, table) in enumerate(zip(sections, tables, strict=True)):
        progress("page", number, len(tables))
        for place, (one, standing) in enumerate(zip(shown.rows, table.standings, strict=True)):
            unfolded[one.key] = details(standing, classes=place < each)
        figures[shown.key] = plots_of(table, shown) if number < PLOTTED else []
    progress("page", len(tables), len(tables))
    records = [record for table in tables for one in table.standings for record in one.trainings]
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        finalize=lambda value: printable(value) if type(value) is str else value,
    )  # fmt: skip
    environment.filters["island"] = island
    return environment.from_string(template("page.html")).render(
        title=title,
        sections=sections,
        matrix=matrix(sections, tables),
        older={shown.key: not_shown(table) for shown, table in zip(sections, tables, strict=True)},
        figures=figures,
        galleries={f"t{number + 1}": held for number, held in (galleries or {}).items()},
        overview=overview(tables, sections),
        details=unfolded,
        style=template("page.css"),
        script=template("page.js"),
        bibtex=BIBTEX % version(),
        version=version(),
        count=len(records),
        newest=newest(records),
        datasets=sorted({shown.dataset for shown in sections}),
        protocols=sorted({shown.protocol for shown in sections}),
    )


def version() -> str:
    """Returns the version of the package."""
    return metadata.version("fewshot-bench")


def newest(records: Sequence[Record]) -> str:
    """Returns the day of the newest record; "" where none says its day."""
    return max((str(record.data.get("created") or "")[:10] for record in records), default="")


def template(name: str) -> str:
    """Returns the text of a file of the page."""
    return (resources.files("fewshot_bench.report.page") / "templates" / name).read_text(encoding="utf-8")


def island(value: Any) -> Any:
    """Returns JSON for a ``<script>`` element: no character in it can end the element."""
    from markupsafe import Markup

    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))
