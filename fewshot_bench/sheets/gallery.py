"""The gallery of failures of a record: its hardest queries, beside the support of an episode in which it failed."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fewshot_bench.data.index import ImageIndex
from fewshot_bench.datasets.find import find_source
from fewshot_bench.engine.request import Request
from fewshot_bench.engine.run import episodes_of
from fewshot_bench.episodes import EpisodeSet
from fewshot_bench.errors import FsbenchError
from fewshot_bench.progress import Progress, silent
from fewshot_bench.records import Record
from fewshot_bench.records.classes import picture_shares
from fewshot_bench.report.page.gallery import Failure
from fewshot_bench.verification.verify import index_of

if TYPE_CHECKING:
    from PIL.Image import Image

MOST, SIDE, QUALITY = 6, 84, 78
"""Failures of a gallery, the side of a picture in pixels, and the quality of its JPEG."""


def gallery(
    record: Record, request: Request, *, data_root: Path | None = None, progress: Progress = silent
) -> list[Failure]:
    """Returns the hardest queries of a record with small pictures, hardest first.

    ``request`` is what the record's command asks for. Raises FsbenchError where the licence of the pictures does not
    let a page show them, where the data set is not here or has other files, and where the record does not know its
    pictures.
    """
    card = find_source(request.dataset)[0].card
    if not card.may_show:
        raise FsbenchError(
            f"Pictures of {request.dataset} are not shown: their licence ({card.licence}) is not known to allow it."
        )
    if "pictures" not in record.arrays:
        raise FsbenchError(f"The record of {record.method} does not know the pictures of its queries.")
    index = index_of(request, data_root, progress)
    drawn = episodes_of(request, index)
    if drawn.sha256 != record.episodes_sha256:
        raise FsbenchError(
            f"The episodes of {request.dataset} that are drawn here are not those of the record."
        )
    return [shown(index, drawn, record, *place) for place in hardest(record, MOST)]


def hardest(record: Record, most: int) -> list[tuple[int, int, float, int]]:
    """Returns (episode, column, share right, times asked) of a wrong answer to each of the hardest pictures.

    At most one picture of a class is taken. The order is by the share of right answers, then by how often it was asked.
    """
    query = record.per_query
    label, answer, picture = (query[name].astype(np.int64) for name in ("label", "prediction", "picture"))
    there = label >= 0
    share, asked = picture_shares(record)
    rows, columns = np.nonzero(there & (label != answer))
    first: dict[int, tuple[int, int]] = {}
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        first.setdefault(int(picture[row, column]), (row, column))
    classes = record.arrays["classes"].astype(np.int64)
    taken: set[int] = set()
    found = []
    for number in sorted(first, key=lambda p: (share[p], -asked[p], p)):
        row, column = first[number]
        owner = int(classes[row, label[row, column]])
        if owner in taken:
            continue
        taken.add(owner)
        found.append((row, column, float(share[number]), int(asked[number])))
        if len(found) == most:
            break
    return found


def shown(
    index: ImageIndex, drawn: EpisodeSet, record: Record, row: int, column: int, share: float, asked: int
) -> Failure:
    """Returns one failure with its three pictures."""
    query = record.per_query
    truth, said = int(query["label"][row, column]), int(query["prediction"][row, column])
    digests = record.picture_digests
    assert digests is not None
    digest = np.asarray(digests, dtype=np.uint8)[int(query["picture"][row, column])]
    places = drawn.query[row, truth]
    places = places[places >= 0]
    own = places[(index.digests[places, :8] == digest).all(axis=1)]
    if not len(own):
        raise FsbenchError("A query of the record is not among the pictures of its class here.")
    names = {place: str(index.class_names[int(drawn.classes[row, place])]) for place in (said, truth)}
    return Failure(
        query=thumbnail(index, int(own[0])),
        answered=thumbnail(index, first(drawn, row, said)),
        right=thumbnail(index, first(drawn, row, truth)),
        said=names[said],
        truth=names[truth],
        share=share,
        asked=asked,
    )


def first(drawn: EpisodeSet, row: int, place: int) -> int:
    """Returns the first support picture of a class of an episode."""
    return int(drawn.support[row, place, 0])


def thumbnail(index: ImageIndex, number: int) -> str:
    """Returns a picture of a data set as a ``data:`` address of a small JPEG, padded to a square."""
    index.require_current(np.array([number]))
    return address(index.reader(number))


def address(picture: Image) -> str:
    """Returns a picture as a ``data:`` address of a JPEG of ``SIDE`` pixels a side."""
    from PIL import Image, ImageOps

    small = ImageOps.pad(
        picture.convert("RGB"), (SIDE, SIDE), Image.Resampling.LANCZOS, color=(255, 255, 255)
    )
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
