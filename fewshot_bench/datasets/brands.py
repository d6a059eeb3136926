"""Brand retrieval (Navee): articles of fashion brands, one brand held out whole and 50 articles of another."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from fewshot_bench.contract.source import Card, DatasetSource
from fewshot_bench.data.build import build_index, natural, read_rows
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.data.scan import Scan
from fewshot_bench.datasets.class_folders import class_rows
from fewshot_bench.datasets.held_out import fixed_order
from fewshot_bench.datasets.locate import layout_error
from fewshot_bench.errors import UsageError

WHOLE, PART = "Givenchy", "Versace"
"""The brand of which every article is held out (N = 309 in the report), and the one of which 50 are."""

ARTICLES, OF_WHOLE = 50, 309
DRAWN = "Held-out articles of {}: the first {} in the order of the sha256 of their folders' names."
OTHER = "{} has {} articles here, where the report's support set has {}: do not compare with its figures."


class Brands(DatasetSource):
    """Articles of fashion brands; a class is ``<brand>/<article>``.

    The report has two support sets, the variants ``n50`` and ``n309``. Each held-out article is a class of each
    episode, and both variants have the same base data, all other articles:

        fsbench run --method METHOD --dataset brands:n309 --protocol retrieval --ways all --queries all

    A method that trains takes ``--train-dataset brands:n309`` for both variants. The report does not say which
    50 articles were held out; here they are a fixed draw by name.
    """

    api_version = 1
    name = "brands"
    folders = ("brands", "navee")
    variants = {  # noqa: RUF012
        "n309": f"evaluate on all articles of {WHOLE}; train on all but these and {ARTICLES} articles of {PART}",
        "n50": f"evaluate on those {ARTICLES} articles of {PART}; train on the same base as n309",
        "BRAND": "the name of any brand's folder: evaluate on its articles, train on those of all other brands",
    }
    card = Card(
        summary="articles of fashion brands for retrieval, evaluated on a brand that was held out",
        licence="private: the pictures are not published, the protocol is",
        published="not published; any folder of brands with folders of articles serves",
        layout="<brand>/<article>/<picture>",
        reference="Chesterkine, Han, Santos García, Yamakoshi, Zhang: Fashion products identification, Navee project",
    )

    def knows(self, variant: str) -> bool:
        """Returns True for any name: which brands there are is known when the files are looked at."""
        return True

    def load(
        self, root: Path | None = None, variant: str | None = None, scan: Scan | None = None
    ) -> ImageIndex:
        """Returns the index of a variant.

        Raises FsbenchError when there are no articles, and UsageError for a brand that is not there.
        """
        assert root is not None
        below = class_rows(root, ".")
        rows = [row for row in below.rows if "/" in row.label]
        if not rows:
            raise layout_error(
                self, root, "there is no picture in a folder of an article in a folder of a brand"
            )
        articles = sorted({row.label for row in rows}, key=natural)
        variant = variant or "n309"
        novel, away, notes = self.held_out(articles, variant)
        notes = [*below.notes, *notes]
        if len(rows) < len(below.rows):
            notes.append(f"Pictures beside the folders of articles, left out: {len(below.rows) - len(rows)}.")
        kept = [
            row._replace(split="novel" if row.label in novel else "base")
            for row in rows
            if row.label not in away
        ]
        if all(row.split == "novel" for row in kept):
            raise layout_error(self, root, f"beside the held-out articles of {variant} there are none")
        return build_index(self.name, variant, read_rows(root, kept, scan), notes=notes)

    def held_out(self, articles: list[str], variant: str) -> tuple[set[str], set[str], list[str]]:
        """Returns the novel articles of a variant, the articles that are neither novel nor base, and notes."""
        if variant not in ("n50", "n309"):
            return of_brand(articles, variant), set(), []
        whole, part = of_brand(articles, WHOLE), of_brand(articles, PART)
        drawn = set(fixed_order(part)[:ARTICLES])
        notes = [DRAWN.format(PART, ARTICLES)]
        novel, away, expected = (drawn, whole, ARTICLES) if variant == "n50" else (whole, drawn, OF_WHOLE)
        if len(novel) != expected:
            notes.append(OTHER.format(PART if variant == "n50" else WHOLE, len(novel), expected))
        return novel, away, notes


def key(brand: str) -> str:
    """Returns the letters and digits of a brand's name in lower case, so that D&G, d & g and DG are one."""
    return re.sub(r"[\W_]", "", brand.casefold())


def of_brand(articles: Iterable[str], brand: str) -> set[str]:
    """Returns the articles of a brand; raises UsageError, naming the brands there are, when there is none."""
    names = {article.partition("/")[0] for article in articles}
    found = {article for article in articles if key(article.partition("/")[0]) == key(brand)}
    if not found:
        raise UsageError(
            f"brands has no brand {brand!r} here; it has {', '.join(sorted(names, key=natural))}: take one with "
            "--dataset brands:NAME."
        )
    return found
