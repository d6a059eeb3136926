"""The audit of references as tables for a terminal, values for JSON, pictures for a page."""

from __future__ import annotations

import math
from typing import Any

from fewshot_bench.recogniser.references import References
from fewshot_bench.shelf.audit import Doubt, ReferenceAudit
from fewshot_bench.shelf.page import Part, Pictured, Side, ThumbnailOf

MOST = 100
"""Entries of a table, and groups of pictures, that are shown; JSON has all."""


def verdict(doubt: Doubt) -> str:
    """Returns a word for a doubtful reference."""
    return "perhaps mislabelled" if doubt.mean_too else "harmful" if doubt.harms > 1 else "nearer to another"


def json_of(found: ReferenceAudit, references: References) -> dict[str, Any]:
    """Returns everything as JSON knows it."""
    names, paths, labels = references.class_names, references.paths, references.labels
    return {
        "products": len(names),
        "references": len(paths),
        "asked": found.asked,
        "right": found.right,
        "doubtful": [
            {
                "reference": paths[one.row],
                "product": names[labels[one.row]],
                "nearest": paths[one.other],
                "nearest_product": names[labels[one.other]],
                "margin": one.margin,
                "harms": one.harms,
                "verdict": verdict(one),
            }
            for one in found.doubts
        ],
        "same_content": [[paths[row] for row in group] for group in found.twins],
        "need_pictures": [
            {
                "product": names[one.product],
                "references": one.references,
                "asked": one.asked,
                "right": one.right,
                "margin": None if math.isnan(one.margin) else one.margin,
            }
            for one in found.needs
        ],
        "look_alike": [[names[c] for c in family] for family in found.families],
        "alike": found.alike,
    }


def lead_of(found: ReferenceAudit, references: References) -> list[str]:
    """Returns the first sentence."""
    told = f"{len(references.class_names)} products, {len(references)} references."
    if not found.asked:
        return [f"{told} No product has two different references, so that none can be asked without itself."]
    right = f"{found.right} are nearest to another reference of their own product"
    return [f"{told} Of {found.asked} that can be asked without themselves, {right}."]


def sections(
    found: ReferenceAudit, references: References, thumbnail: ThumbnailOf | None = None
) -> list[Part]:
    """Returns four sections; pictures are in them where ``thumbnail`` gives them."""
    names, paths, labels = references.class_names, references.paths, references.labels

    def picture(row: int, caption: str = "") -> Pictured:
        jpeg = thumbnail(paths[row]) if thumbnail else b""
        return Pictured.of(jpeg, f"reference {paths[row]}", caption or paths[row])

    doubts, families = found.doubts[:MOST], found.families[:MOST]
    rows = tuple(
        (paths[one.row], verdict(one), paths[one.other], f"{one.margin:+.3f}", str(one.harms))
        for one in doubts
    )
    beside = tuple(
        Side(
            f"{names[labels[one.row]]}: {verdict(one)}",
            (picture(one.row), picture(one.other, f"nearest: {paths[one.other]}")),
        )
        for one in doubts
    )
    first = {int(c): int(row) for row, c in reversed(list(enumerate(labels.tolist())))}
    alike = tuple(
        Side(", ".join(names[c] for c in family), tuple(picture(first[c], names[c]) for c in family))
        for family in families
    )
    needs = tuple(
        (
            names[one.product],
            str(one.references),
            f"{one.right} of {one.asked}" if one.asked else "cannot be asked",
        )
        for one in found.needs[:MOST]
    )
    twins = tuple((", ".join(paths[row] for row in group),) for group in found.twins[:MOST])
    return [
        Part(
            "Doubtful references",
            (
                counted(
                    len(found.doubts), "Nearer to another product than to their own, or harmful to others"
                ),
            ),
            ("reference", "verdict", "nearest of another product", "margin", "harms") if rows else (),
            rows,
            beside if thumbnail else (),
        ),
        Part(
            "The same picture under two products",
            (counted(len(found.twins), "Contents that two products share"),),
            ("references",) if twins else (),
            twins,
        ),
        Part(
            "Products that need another picture",
            (counted(len(found.needs), "One reference only, or fewer than three quarters recognised"),),
            ("product", "references", "recognised") if needs else (),
            needs,
        ),
        Part(
            "Products that look alike",
            (
                counted(
                    len(found.families), f"Families whose means have a cosine of {found.alike:.2f} or more"
                ),
            ),
            ("family",) if alike and not thumbnail else (),
            tuple((side.title,) for side in alike) if not thumbnail else (),
            alike if thumbnail else (),
        ),
    ]


def counted(many: int, what: str) -> str:
    """Returns a sentence with a number."""
    more = f" (the first {MOST} are shown; --json has all)" if many > MOST else ""
    return f"{what}: {many or 'none'}{more}."


def thumbnails_of(references: References) -> dict[str, bytes]:
    """Returns the thumbnails that a recogniser keeps, by path."""
    return dict(zip(references.paths, references.thumbnails, strict=False))
