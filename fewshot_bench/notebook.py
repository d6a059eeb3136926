"""Tables of facts as HTML, which a notebook shows for an object; every text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from fewshot_bench.errors import printable


def facts(title: str, rows: Iterable[tuple[str, object]]) -> str:
    """Returns a title and a table of two columns as HTML; a fact that is empty is left out."""
    body = "".join(
        f'<tr><th style="text-align:left">{safe(name)}</th><td style="text-align:left">{safe(value)}</td></tr>'
        for name, value in rows
        if value not in (None, "", ())
    )
    return f"<div><strong>{safe(title)}</strong><table>{body}</table></div>"


def grid(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Returns a title and a table with a line of heads as HTML."""
    head = "".join(f'<th style="text-align:left">{safe(name)}</th>' for name in columns)
    body = "".join(f"<tr>{''.join(f'<td>{safe(value)}</td>' for value in row)}</tr>" for row in rows)
    return f"<div><strong>{safe(title)}</strong><table><tr>{head}</tr>{body}</table></div>"


def safe(value: object) -> str:
    """Returns a value as text of HTML, at most 500 characters of it."""
    text = printable(str(value))
    return escape(text if len(text) <= 500 else f"{text[:499]}…")
