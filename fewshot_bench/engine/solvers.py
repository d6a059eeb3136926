"""From a method to a function of index arrays: its embedding table or pictures, then its mathematics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.contract.context import Context
from fewshot_bench.contract.guard import Guard
from fewshot_bench.contract.method import EmbeddingMethod, EpisodicMethod, Method
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.embed.pictures import Pictures
from fewshot_bench.engine.class_names import names_of_rows, with_names
from fewshot_bench.engine.scoring import Scored
from fewshot_bench.episodes.image_tasks import ImageTasks
from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.errors import FsbenchError
from fewshot_bench.heads.head import items_are_scores
from fewshot_bench.store.cache import EmbeddingCache

Solver = Callable[[Tasks], Scored]

EPISODIC_CHUNK = 16
"""Episodes that a method which adapts to each of them is given at once."""


def solver(
    method: Method,
    index: ImageIndex,
    rows: NDArray[np.int64],
    context: Context,
    *,
    ranking: bool = True,
    guard: Guard | None = None,
) -> tuple[Solver, int | None]:
    """Returns the function that scores episodes over the images ``rows``, and how many it takes at once.

    That number is None where it takes as many as fit into memory. The method's code runs behind ``guard`` (None: one
    without a time limit).

    ``ranking``: support images are scored too, where the head can.
    """
    table = table_of(method, index, rows, context, guard=guard)
    names = names_of_rows(method, index, rows)
    return solver_on(method, table, context.device, ranking=ranking, guard=guard, names=names)


def table_of(
    method: Method,
    index: ImageIndex,
    rows: NDArray[np.int64],
    context: Context,
    *,
    guard: Guard | None = None,
) -> NDArray[Any]:
    """Returns what a method works on, of images ``rows``: embeddings ``[M, D]``, or uint8 pictures ``[M, 3, S, S]``.

    Both live in the embedding cache. The time limit of ``guard`` is that of one batch of pictures.
    """
    cache = EmbeddingCache(context.cache / "embeddings")
    guard = guard or guard_of(method)

    def progress(done: int, total: int) -> None:
        context.progress("embed", done, total)

    if isinstance(method, EmbeddingMethod):
        with guard("encode"):
            return cache.embed(method.encoder, index, rows, progress=guard.watched(progress))
    if isinstance(method, EpisodicMethod):
        size = method.image_size
        flat = cache.embed(Pictures(size, method.image_view), index, rows, progress=progress, dtype="float16")
        return flat.astype(np.uint8).reshape(-1, 3, size, size)
    raise FsbenchError(
        f"The method {method.name} is neither an EmbeddingMethod nor an EpisodicMethod; it must subclass one."
    )


def guard_of(method: Method) -> Guard:
    """Returns the guard of a method without a time limit."""
    return Guard(f"The method {method.name}")


def solver_on(
    method: Method,
    table: NDArray[Any],
    device: str,
    *,
    ranking: bool = True,
    guard: Guard | None = None,
    names: NDArray[np.object_] | None = None,
) -> tuple[Solver, int | None]:
    """Returns the function that scores episodes over a table of ``table_of``, and how many it takes at once.

    ``names`` [M] are what ``names_of_rows`` gives for the rows of the table.
    """
    guard = guard or guard_of(method)
    if isinstance(method, EmbeddingMethod):
        most = getattr(method.head, "max_batch", None)
        return embedding_solver(method, table, device, guard, ranking=ranking, names=names), most
    assert isinstance(method, EpisodicMethod)
    return episodic_solver(method, table, device, guard), EPISODIC_CHUNK


def embedding_solver(
    method: EmbeddingMethod,
    table: NDArray[Any],
    device: str,
    guard: Guard,
    *,
    ranking: bool = True,
    names: NDArray[np.object_] | None = None,
) -> Solver:
    """Scores by the method's head on a table of embeddings ``[M, D]``; ``names`` as in ``solver_on``."""
    import torch

    on_device = torch.from_numpy(np.ascontiguousarray(table)).to(device)

    def solve(tasks: Tasks) -> Scored:
        tasks = with_names(tasks, names)
        with guard("scores"):
            scores, diagnostics = method.head.scores(on_device, tasks)
            known = tasks.shots == 1 and items_are_scores(method.head)
            rank = getattr(method.head, "item_scores", None) if ranking and not known else None
            items = None if rank is None else as_array(rank(on_device, tasks))
            return Scored(as_array(scores), items, diagnostics)

    return solve


def as_array(found: Any) -> NDArray[Any]:
    """Returns what a head gives, a tensor of any type on any device or an array, as an array in memory."""
    import torch

    if not isinstance(found, torch.Tensor):
        return np.asarray(found)
    found = found.detach().cpu()
    return np.asarray((found.float() if found.dtype == torch.bfloat16 else found).resolve_conj().numpy())


def episodic_solver(method: EpisodicMethod, pictures: NDArray[np.uint8], device: str, guard: Guard) -> Solver:
    """Scores by a method that adapts to each episode, on a table of pictures ``[M, 3, S, S]``."""

    def solve(tasks: Tasks) -> Scored:
        with guard("solve"):
            return Scored(np.asarray(method.solve(ImageTasks(pictures, tasks, device))), None, {})

    return solve
