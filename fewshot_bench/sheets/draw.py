"""One episode as a contact sheet: the question that a method is asked, for the eye."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fewshot_bench.audit.words import counted
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.engine.request import Request
from fewshot_bench.engine.run import evaluated, spec_of
from fewshot_bench.episodes import EpisodeSet, distinct_supports, load_manifest, sample
from fewshot_bench.errors import UsageError
from fewshot_bench.progress import Progress, silent
from fewshot_bench.sheets.episode import episode_sheet

if TYPE_CHECKING:
    from PIL.Image import Image


def sheet(
    request: Request,
    episode: int,
    *,
    data_root: Path | None = None,
    cell: int = 96,
    progress: Progress = silent,
) -> Image:
    """Draws episode number ``episode`` (from 0) of a request, or of its manifest.

    ``cell`` is the side of a picture in pixels. Raises UsageError for a request that cannot be met, and when
    there is no such episode.
    """
    index, _ = evaluated(
        request.given.open(request.dataset, data_root=data_root, progress=progress), request.split
    )
    drawn = episodes_until(request, index, episode)
    classes = drawn.classes[episode][drawn.classes[episode] >= 0]
    support, query = (part[episode, : len(classes)] for part in (drawn.support, drawn.query))
    support, query = (rows[:, (rows >= 0).any(axis=0)] for rows in (support, query))
    index.require_current(np.concatenate([rows[rows >= 0] for rows in (support, query)]).tolist())
    ragged = "up to " if (query < 0).any() else ""
    queries = f"{ragged}{counted(query.shape[1], 'query', 'queries')} a class"
    counts = f"{len(classes)}-way {support.shape[1]}-shot, {queries}"
    title = f"{index.name} ({index.variant}): episode {episode} of seed {drawn.spec.seed}, {counts}"
    return episode_sheet(index, [index.class_names[c] for c in classes], support, query, title, cell)


def episodes_until(request: Request, index: ImageIndex, episode: int) -> EpisodeSet:
    """Returns the episodes up to the one that is asked for; an episode does not depend on those drawn after it."""
    if episode < 0:
        raise UsageError(f"--episode counts from 0, and {episode} was asked for.")
    if request.episodes_from is not None:
        drawn = load_manifest(request.episodes_from, index)
        if episode >= len(drawn):
            raise UsageError(
                f"--episode {episode}: {request.episodes_from} holds {counted(len(drawn), 'episode')}, from 0 on."
            )
        return drawn
    spec = replace(spec_of(request, index), episodes=episode + 1)
    if episode >= (count := distinct_supports(index, spec)):
        raise UsageError(
            f"--episode {episode}: {index.name} ({index.variant}) has {count:,} distinct support sets at --ways "
            f"{request.ways} --shots {request.shots}; ask for at most {count - 1}, as they count from 0."
        )
    return sample(index, spec)
