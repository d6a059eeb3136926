"""The page of predictions: each new picture beside its nearest reference, the doubtful ones first."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fewshot_bench.prediction.predictions import Predictions
from fewshot_bench.recogniser.thumbnails import thumbnail_of
from fewshot_bench.shelf.page import Pictured, QueryCard, ThumbnailOf, shelf_page

MOST = 500
"""Pictures of a page, the most doubtful ones."""

UNSURE = 0.2
"""A lead of the best over the second below which an answer is called uncertain, as a share of the best score."""


def lead_of(found: Predictions) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Returns (best − second) / |best| of each picture; inf where there is one class, −inf where it is unreadable."""
    scores = found.scores
    if scores.shape[1] < 2:
        return np.where(np.isnan(scores[:, 0]), -np.inf, np.inf)
    gap = (scores[:, 0] - scores[:, 1]) / np.maximum(np.abs(scores[:, 0]), 1e-12)
    return np.where(np.isnan(gap), -np.inf, gap)


def order_of(found: Predictions) -> list[int]:
    """Returns the numbers of the pictures: unreadable, rejected, then by how far the best is ahead, least first."""
    lead, rejected = lead_of(found), found.rejected
    kept = [not defect for defect in found.defects]
    return sorted(range(len(found)), key=lambda i: (kept[i], not rejected[i], float(lead[i]), i))


def predictions_page(found: Predictions, reference: ThumbnailOf, examples: dict[str, str]) -> str:
    """Returns the document; ``examples`` names a reference of each product, for the runner-up."""
    lead, rejected = lead_of(found), found.rejected
    kinds = [
        "unreadable" if found.defects[i] else "rejected" if rejected[i] else
        "uncertain" if lead[i] < UNSURE else "answered"
        for i in range(len(found))
    ]  # fmt: skip
    order = order_of(found)
    counted = ", ".join(
        f"{kinds.count(kind)} {kind}"
        for kind in ("answered", "uncertain", "rejected", "unreadable")
        if kind in kinds
    )
    said = [
        f"{len(found)} pictures: {counted}. Unreadable and rejected ones come first, then the least certain."
    ]
    if len(order) > MOST:
        said.append(f"Shown are the first {MOST}; the others are in --format csv.")
    said += found.notes
    if found.threshold is not None:
        said.append(f"{found.threshold}.")
    cards = [card_of(found, i, kinds[i], reference, examples) for i in order[:MOST]]
    return shelf_page("Predictions", said, cards=cards)


def card_of(
    found: Predictions, i: int, kind: str, reference: ThumbnailOf, examples: dict[str, str]
) -> QueryCard:
    """Returns the card of picture ``i``."""
    path = found.paths[i]
    if found.defects[i]:
        return QueryCard(Pictured("", path, path), path, kind, (found.defects[i],), ())
    query = Pictured.of(thumbnail_of(Path(path)), f"new picture {path}", path)
    top = found.picture(i)["top"]
    told = [f"{one['class']} ({found.score_name} {number(one[found.score_name])})" for one in top]
    others, lines = [], []
    if found.nearest[i]:
        near, cosine = found.nearest[i], f"similarity {found.cosines[i]:.2f}"
        others.append(
            Pictured.of(reference(near), f"reference {near}", f"nearest reference: {near}, {cosine}")
        )
        lines.append(f"Nearest reference: {near}, {cosine}.")
    if len(top) > 1:
        lines.append(f"Then: {', '.join(told[1:])}.")
        if example := examples.get(top[1]["class"], ""):
            caption = f"runner-up: {told[1]}"
            others.append(Pictured.of(reference(example), f"reference {example}", caption))
    if found.copies[i]:
        lines.append(f"The same file as the reference {found.copies[i]}.")
    title = f"likely {told[0]}, or none of the products" if kind == "rejected" else told[0]
    return QueryCard(query, title, kind, tuple(lines), tuple(others))


def number(score: float | str) -> str:
    """Returns a score in three digits."""
    return score if isinstance(score, str) else f"{score:.3g}"
