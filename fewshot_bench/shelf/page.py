"""One HTML file with small pictures: everything is inside, every text is escaped, and nothing is fetched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources

from fewshot_bench.errors import printable
from fewshot_bench.recogniser.thumbnails import address

ThumbnailOf = Callable[[str], bytes]
"""Gives the JPEG of a reference by its path; b"" where there is none."""


@dataclass(frozen=True)
class Pictured:
    """A picture of a page: its ``source`` (a ``data:`` address or ""), the text in its place, and what is below it.

    ``file`` is the name that stands in small print below the caption; "" for none.
    """

    source: str
    alt: str
    caption: str
    file: str = ""

    @classmethod
    def of(cls, jpeg: bytes, alt: str, caption: str, file: str = "") -> Pictured:
        """Returns the picture of a JPEG."""
        return cls(address(jpeg), alt, caption, file)


@dataclass(frozen=True)
class QueryCard:
    """A query, what was said of it, and pictures to compare it with."""

    query: Pictured
    title: str
    kind: str
    lines: tuple[str, ...]
    others: tuple[Pictured, ...]


@dataclass(frozen=True)
class Side:
    """Pictures side by side."""

    title: str
    pictures: tuple[Pictured, ...]


@dataclass(frozen=True)
class Part:
    """A section: sentences, a table, and groups of pictures."""

    title: str
    lines: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    groups: tuple[Side, ...] = ()


def shelf_page(
    title: str, lead: Sequence[str], parts: Sequence[Part] = (), cards: Sequence[QueryCard] | None = None
) -> str:
    """Returns the document."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        finalize=lambda value: printable(value) if type(value) is str else value,
    )  # fmt: skip
    text = (resources.files("fewshot_bench.shelf") / "templates" / "page.html").read_text(encoding="utf-8")
    kinds = sorted({card.kind for card in cards or ()})
    return environment.from_string(text).render(title=title, lead=lead, parts=parts, cards=cards, kinds=kinds)
