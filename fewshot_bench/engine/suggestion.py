"""This module finds a command that works on a data set whose classes are too small for the one that was asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fewshot_bench.episodes.distinct import distinct_supports
from fewshot_bench.episodes.eligible import TooSmallError, workable
from fewshot_bench.episodes.spec import EpisodeSpec

if TYPE_CHECKING:
    from fewshot_bench.data.index import ImageIndex
    from fewshot_bench.engine.request import Request


def distinct_or_suggested(request: Request, index: ImageIndex, spec: EpisodeSpec) -> int:
    """Returns the number of distinct support sets of a spec; TooSmallError, with a command that works, without any."""
    try:
        return distinct_supports(index, spec)
    except TooSmallError as error:
        raise suggested(error, request, index, spec) from None


def suggested(error: TooSmallError, request: Request, index: ImageIndex, spec: EpisodeSpec) -> TooSmallError:
    """Returns the error with a complete command that works, where there is one, or with what has to be added."""
    if not request.method or request.given or request.rules.fixed or spec.sampler:
        return error
    found = workable(index, spec)
    words = error.args[0].rstrip(".")
    if found is None:
        if spec.variable or spec.shots == "all":
            return error
        return TooSmallError(
            f"{words}; two classes need two different pictures each before anything can be measured, while "
            "`fsbench predict` needs one picture a class."
        )
    counts: dict[str, Any] = {"ways": found.ways, "shots": found.shots, "queries": found.queries}
    episodes = request.episodes and min(request.episodes, distinct_supports(index, found))
    asked = replace(request, **counts, drop_small=found.drop_small, episodes=episodes)
    return TooSmallError(f"{words}; this works: `{asked.command()}`.")
