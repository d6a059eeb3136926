"""One HTML file with small pictures: everything is inside, every text is escaped, and nothing is fetched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import chain

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


class Repeated:
    """A picture that a page shows several times and holds once, where it comes first, under a ``name``."""

    def __init__(self, name: str) -> None:
        self.name, self.times = name, 0

    def shown(self) -> bool:
        """Returns whether it was shown before, and counts."""
        self.times += 1
        return self.times > 1


def repeated_of(parts: Sequence[Part], cards: Sequence[QueryCard]) -> dict[str, Repeated]:
    """Returns the pictures that occur more than once, by their source."""
    groups = [group.pictures for part in parts for group in part.groups]
    pictures = chain(*groups, *((card.query, *card.others) for card in cards))
    counted = Counter(picture.source for picture in pictures if picture.source)
    several = [source for source, times in counted.items() if times > 1]
    return {source: Repeated(f"picture-{number}") for number, source in enumerate(several)}


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
    return environment.from_string(text).render(
        title=title,
        lead=lead,
        parts=parts,
        cards=cards,
        kinds=kinds,
        repeated=repeated_of(parts, cards or ()),
    )
