"""Which classes of a data set can give what a spec asks for, and the sentence where too few can."""

from __future__ import annotations

from dataclasses import replace

from fewshot_bench.episodes.draw import feasible
from fewshot_bench.episodes.pools import ClassPool, ImageArrays, class_pools
from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.episodes.variable import MIN_WAYS, query_capacity
from fewshot_bench.errors import UsageError

Dropped = tuple[tuple[str, int, int], ...]
"""(class name, its support images, its query images) of classes left out as too small."""

_LISTED = 3

MOST_QUERIES = 15
"""The most queries of a class that ``workable`` offers."""


class TooSmallError(UsageError):
    """Classes of a data set have too few images for what was asked; ``workable`` may know what they can give."""


def eligible_pools(index: ImageArrays, spec: EpisodeSpec) -> tuple[list[ClassPool], Dropped]:
    """Returns the classes that episodes may be drawn from, and those that ``spec.drop_small`` left out.

    Raises UsageError when there are fewer classes than ways, when classes are too small and none may be
    dropped, and when all shots are asked for where support and query share images.
    """
    pools = class_pools(index)
    least = MIN_WAYS if spec.variable else 2 if spec.ways == "all" else spec.ways
    asked = f"{least} or more" if spec.variable or spec.ways == "all" else str(least)
    if len(pools) < least:
        raise UsageError(
            f"{index.name} has {len(pools)} classes, and {asked} ways were asked for; ask for fewer."
        )
    if spec.shots == "all" and not spec.variable:
        _check_fixed_split(index.name, pools)
    small = [pool for pool in pools if not _suffices(pool, spec)]
    if small and not spec.drop_small:
        raise TooSmallError(
            f"{len(small)} of {len(pools)} classes of {index.name} cannot give {_wish(spec)}: "
            f"{_list(small)}; ask for fewer, or for all queries, or let small classes be dropped (--drop-small)."
        )
    kept = [pool for pool in pools if _suffices(pool, spec)] if small else pools
    if len(kept) < least:
        raise TooSmallError(
            f"only {len(kept)} of {len(pools)} classes of {index.name} can give {_wish(spec)}, and {asked} "
            f"ways were asked for; too small are {_list(small)}."
        )
    return kept, tuple((pool.name, len(pool.support), len(pool.query)) for pool in small)


def workable(index: ImageArrays, spec: EpisodeSpec) -> EpisodeSpec | None:
    """Returns the spec nearest to the one asked for that the classes of an index can give, or None where none is.

    Shots are lowered before ways, and queries are as many as do not cost another class, at most 15. None for
    episodes of variable counts, or of all shots.
    """
    if spec.variable or spec.shots == "all":
        return None
    pools = class_pools(index)

    def giving(shots: int, queries: int) -> int:
        return sum(feasible(pool, shots, queries) for pool in pools)

    least = 2 if spec.ways == "all" else spec.ways
    for ways in dict.fromkeys((least, 2)):
        for shots in range(spec.shots, 0, -1):
            if (count := giving(shots, 1)) >= ways:
                queries = max(q for q in range(1, MOST_QUERIES + 1) if giving(shots, q) == count)
                return replace(
                    spec,
                    ways=spec.ways if spec.ways == "all" or count >= spec.ways else count,
                    shots=shots,
                    queries=queries,
                    drop_small=count < len(pools),
                )
    return None


def all_suffice(index: ImageArrays, spec: EpisodeSpec) -> bool:
    """Returns whether every class can give what a spec asks for."""
    return all(_suffices(pool, spec) for pool in class_pools(index))


def _suffices(pool: ClassPool, spec: EpisodeSpec) -> bool:
    if spec.variable:
        return query_capacity(pool) >= 1
    shots = max(1, len(pool.support)) if spec.shots == "all" else spec.shots
    return feasible(pool, shots, 1 if spec.queries == "all" else spec.queries)


def _check_fixed_split(name: str, pools: list[ClassPool]) -> None:
    for pool in pools:
        if pool.shared:
            raise UsageError(
                f"all shots need a fixed train/test split, and {name} has none ({pool.shared} images of "
                f"class {pool.describe()} may stand on either side); ask for a number of shots."
            )


def _wish(spec: EpisodeSpec) -> str:
    """Returns what a spec asks of a class, in words; "all" asks for at least one."""
    if spec.variable:
        return "a support and a query image"
    shots = 1 if spec.shots == "all" else spec.shots
    queries = 1 if spec.queries == "all" else spec.queries
    return f"{shots} support and {queries} query image{'s' if queries > 1 else ''} kept apart"


def _list(small: list[ClassPool]) -> str:
    listed = ", ".join(pool.describe() for pool in small[:_LISTED])
    return listed + (f" and {len(small) - _LISTED} more" if len(small) > _LISTED else "")
