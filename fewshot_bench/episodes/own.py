"""Sampler: the contract of a way of one's own to draw episodes, and the episodes that it draws."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.episodes.episode_set import EpisodeSet
from fewshot_bench.episodes.pools import ImageArrays
from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.errors import FsbenchError

Arrays = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]


class Sampler(ABC):
    """A sampler draws episodes in a way of its own: ``__call__`` draws, and the attributes say what it is.

    ``api_version`` is the version of the plugin API that it was written for (1). ``name`` is the name of the entry
    point in the group ``fewshot_bench.samplers``. Samplers are constructed without arguments.

    What is drawn passes the rules that the suite's own episodes pass: an image is of its class and of the pool of its
    side, and stands once in an episode; no group, no content and no pair nearer than the guard stands on both sides.
    The counts of the spec are limits: an episode has 2 to ``ways`` classes, each with 1 to ``shots`` support images and
    at most ``queries`` queries, and at least one query. A class may have none.
    """

    api_version: ClassVar[int]
    name: ClassVar[str]
    summary: ClassVar[str]
    reference: ClassVar[str] = ""

    @abstractmethod
    def __call__(self, index: ImageArrays, spec: EpisodeSpec) -> Arrays:
        """Returns classes [E, N], support [E, N, K] and queries [E, N, Q]: numbers of classes and rows of the index.

        E is ``spec.episodes``; −1 is padding and comes last. Everything random comes from
        ``numpy.random.default_rng(spec.seed)`` or the like, so that the same spec gives the same episodes.
        """


def drawn_by(sampler: Sampler, index: ImageArrays, spec: EpisodeSpec) -> EpisodeSet:
    """Returns the episodes that a sampler draws; they still have to be validated.

    Raises FsbenchError for what is no three arrays of whole numbers, and for a sampler that draws other episodes when
    it is asked a second time.
    """
    first, second = (_arrays(sampler, index, spec) for _ in range(2))
    if not all(np.array_equal(a, b) for a, b in zip(first, second, strict=True)):
        raise FsbenchError(
            f"The sampler {sampler.name} draws other episodes when it is asked again with the seed {spec.seed}; take "
            "every random number from a generator of its own: numpy.random.default_rng(spec.seed)."
        )
    classes, support, query = first
    return EpisodeSet(
        spec=spec,
        dataset=index.name,
        dataset_fingerprint=index.fingerprint,
        classes=classes.astype(np.int32),
        support=support,
        query=query,
        class_names=tuple(index.class_names),
    )


def _arrays(sampler: Sampler, index: ImageArrays, spec: EpisodeSpec) -> tuple[NDArray[np.int64], ...]:
    """Returns what a sampler drew as int64 arrays; a sentence where it is something else."""
    drawn = sampler(index, spec)
    if not isinstance(drawn, tuple) or len(drawn) != 3:
        raise FsbenchError(
            f"The sampler {sampler.name} returned a {type(drawn).__name__}; return classes [E, N], support [E, N, K] "
            "and queries [E, N, Q]."
        )
    arrays = [np.asarray(array) for array in drawn]
    shapes = ", ".join(f"{array.shape} {array.dtype}" for array in arrays)
    fits = (
        [array.ndim for array in arrays] == [2, 3, 3]
        and all(array.dtype.kind in "iu" for array in arrays)
        and len({array.shape[:2] for array in arrays}) == 1
        and all(size > 0 for array in arrays for size in array.shape)
    )
    if not fits:
        raise FsbenchError(
            f"The sampler {sampler.name} returned arrays of {shapes}; whole numbers were expected: classes [E, N], "
            "support [E, N, K] and queries [E, N, Q]."
        )
    return tuple(array.astype(np.int64) for array in arrays)
