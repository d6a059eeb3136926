"""The page of predictions: each new picture beside its nearest references, the doubtful ones first."""

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


PLACES = ("nearest reference", "2nd nearest", "3rd nearest")
"""The captions of the nearest references begin with these words, the nearest first."""


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


def predictions_page(found: Predictions, reference: ThumbnailOf) -> str:
    """Returns the document."""
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
    cards = [card_of(found, i, kinds[i], reference) for i in order[:MOST]]
    return shelf_page("Predictions", said, cards=cards)


def card_of(found: Predictions, i: int, kind: str, reference: ThumbnailOf) -> QueryCard:
    """Returns the card of picture ``i``."""
    path = found.paths[i]
    if found.defects[i]:
        return QueryCard(Pictured("", path, path), path, kind, (found.defects[i],), ())
    query = Pictured.of(thumbnail_of(Path(path)), f"new picture {path}", path)
    top = found.picture(i)["top"]
    told = [f"{one['class']} ({found.score_name} {number(one[found.score_name])})" for one in top]
    lines = [f"Then: {', '.join(told[1:])}."] if told[1:] else []
    if found.copies[i]:
        lines.append(f"The same file as the reference {found.copies[i]}.")
    title = f"likely {told[0]}, or none of the products" if kind == "rejected" else told[0]
    return QueryCard(query, title, kind, tuple(lines), references_of(found, i, reference))


def references_of(found: Predictions, i: int, reference: ThumbnailOf) -> tuple[Pictured, ...]:
    """Returns the nearest references of picture ``i``, and the nearest one of the runner-up unless it is among them."""
    if found.neighbours is None:
        return ()
    near, second = found.neighbours.of(i), found.neighbours.runner_up(i)
    told = list(zip(PLACES, near, strict=False))
    if second is not None:
        known = [one["reference"] for one in near]
        if second["reference"] in known:
            place = known.index(second["reference"])
            told[place] = (f"{PLACES[place]}, runner-up", near[place])
        else:
            told.append(("nearest of the runner-up", second))
    return tuple(
        Pictured.of(
            reference(one["reference"]),
            f"reference {one['reference']}",
            f"{said}: {one['class']}, similarity {one['similarity']:.2f}",
            one["reference"].removeprefix(f"{one['class']}/"),
        )
        for said, one in told
    )


def number(score: float | str) -> str:
    """Returns a score in three digits."""
    return score if isinstance(score, str) else f"{score:.3g}"
