"""Method check: whether a method keeps its contract, tried on a few small episodes."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.conformance.trials import Trial, equal, trials
from fewshot_bench.contract.context import Context, choose_device
from fewshot_bench.contract.guard import Guard
from fewshot_bench.contract.method import EmbeddingMethod
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.datasets.find import open_dataset
from fewshot_bench.engine.fitting import make_ready, method_of
from fewshot_bench.engine.request import Request
from fewshot_bench.engine.run import episodes_of, evaluated, table_rows
from fewshot_bench.engine.scoring import check_scores
from fewshot_bench.engine.solvers import solver
from fewshot_bench.episodes.tasks import Tasks
from fewshot_bench.errors import UsageError
from fewshot_bench.paths import cache_dir
from fewshot_bench.progress import Progress, silent

LOOKED_AT = 8
"""The number of pictures that are encoded alone."""


@dataclass(frozen=True)
class Conformance:
    """What was tried on a method, and how each trial ended."""

    method: str
    dataset: str
    trials: tuple[Trial, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing failed."""
        return all(trial.verdict != "fails" for trial in self.trials)

    def to_json(self) -> dict[str, Any]:
        """Returns the result as a dictionary that JSON can hold."""
        found = [trial.to_json() for trial in self.trials]
        return {"method": self.method, "dataset": self.dataset, "sound": self.sound, "trials": found}


def check_method(
    request: Request,
    *,
    data_root: Path | None = None,
    device: str = "auto",
    cache: Path | None = None,
    progress: Progress = silent,
) -> Conformance:
    """Tries a method on the episodes of ``request``.

    The request has fixed ways and at least 2 shots and 2 queries a class. Trained methods are fitted first.
    Raises UsageError for a request that cannot be met or is too small, and FsbenchError when the method breaks.
    """
    if request.variable or request.protocol != "fewshot":
        raise UsageError("A method is checked on few-shot episodes of fixed ways and shots.")
    method, _ = method_of(request)
    index, _ = evaluated(open_dataset(request.dataset, data_root=data_root, progress=progress), request.split)
    episodes = episodes_of(request, index)
    if episodes.support.shape[2] < 2 or episodes.spec.queries == "all" or episodes.spec.queries < 2:
        raise UsageError("A method is checked with 2 shots and 2 queries a class at least; ask for them.")
    context = Context(
        device=choose_device(device), seed=request.train_seed, cache=cache or cache_dir(), progress=progress
    )
    rows = table_rows(index, episodes)
    index.require_current(rows)
    before = global_state()
    guard = Guard(f"The method {request.method}", generators=False)  # what moved them is looked for below
    make_ready(method, request, context, index, data_root=data_root, verify=False, guard=guard)
    run, _ = solver(method, index, rows, context, ranking=False, guard=guard)

    def solve(tasks: Tasks) -> NDArray[np.floating[Any]]:
        scores = run(tasks).scores
        check_scores(tasks, scores, f"The method {request.method}")
        return scores

    tasks, _ = episodes.tasks(rows)
    found = list(trials(solve, tasks, transductive=method.transductive))
    if isinstance(method, EmbeddingMethod):
        found.append(pictures_alone(method, index, rows[:LOOKED_AT]))
    found.append(global_generators(before, global_state()))
    return Conformance(request.method, request.dataset, tuple(found))


def pictures_alone(method: EmbeddingMethod, index: ImageIndex, rows: NDArray[np.int64]) -> Trial:
    """Tries that the embedding of a picture does not depend on the rest of its batch, as batch statistics would."""
    batch = np.stack([method.encoder.prepare(index.reader(int(row))) for row in rows])
    together = method.encoder.encode(batch)
    alone = np.concatenate([method.encoder.encode(batch[i : i + 1]) for i in range(len(batch))])
    return equal(
        "encoder", "A picture alone has the embedding it has in a batch", together[None], alone[None]
    )


def global_state() -> tuple[str, ...]:
    """Returns the states of the global generators of Python, numpy and torch."""
    import torch

    return tuple(str(state) for state in (
        random.getstate(), np.random.get_state(), torch.random.get_rng_state().tolist(),  # noqa: NPY002
    ))  # fmt: skip


def global_generators(before: tuple[str, ...], after: tuple[str, ...]) -> Trial:
    """Tries that global generators are left alone, since what draws from them depends on what ran before."""
    names = [n for n, a, b in zip(("Python", "numpy", "torch"), before, after, strict=True) if a != b]
    if not names:
        return Trial("generators", "holds", "No global generator of random numbers is used.")
    said = " and ".join(names)
    text = f"The global generator of {said} is used; draw from context.generator or a seeded torch.Generator."
    return Trial("generators", "fails", text)
