"""Candidates: the methods that are tried on a folder, each ready and with its references encoded once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fewshot_bench.engine.request import Request
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.progress import Progress, silent
from fewshot_bench.recogniser.given import encoded, given
from fewshot_bench.recogniser.making import fit_references
from fewshot_bench.shelf.decide import Candidate

METHODS = ("pretrained-lr", "pretrained-proto", "pretrained-knn")
"""The heads that are tried: logistic regression, nearest mean, nearest reference."""

TIMED = 32
"""Pictures by which the rate is measured."""


def candidates(
    folder: str,
    methods: Sequence[str] = METHODS,
    backbones: Sequence[str] = (),
    *,
    data_root: Path | None = None,
    device: str = "auto",
    verify: bool = False,
    progress: Progress = silent,
) -> tuple[list[Candidate], list[str]]:
    """Returns the candidates of a folder, and notes on those that cannot be had here.

    ``backbones`` are names, or NAME=FILE with the weights of a file; none stands for the one of each method. Pictures
    are encoded once for each encoder, through the cache. Raises what the first raises where none can be had.
    """
    found: list[Candidate] = []
    notes: list[str] = []
    failure: Exception | None = None
    for method in methods:
        for backbone in backbones or ("",):
            name, _, weights = backbone.partition("=")
            parameters = {key: value for key, value in (("backbone", name), ("weights", weights)) if value}
            label = " ".join([method, *(f"--set {key}={value}" for key, value in parameters.items())])
            try:
                made, references = fit_references(
                    Request(method, folder, parameters=parameters),
                    data_root=data_root, device=device, verify=verify, progress=progress,
                )  # fmt: skip
            except UsageError as error:
                if not backbone:
                    raise
                failure = error
                notes.append(f"{label} is left out: {error}")
                continue
            except FsbenchError as error:
                failure = error
                notes.append(f"{label} is left out: {error}")
                continue
            found.append(Candidate(label, made, references))
    if not found and failure is not None:
        raise failure
    return found, notes


def rates(candidate: Candidate, folder: Path) -> tuple[float, float]:
    """Returns pictures a second, and a second of one core, from file to vector; NaN where no file is at hand."""
    paths = [folder / path for path in candidate.references.paths[:TIMED]]
    there = [path for path in paths if path.is_file()]
    if not there:
        return float("nan"), float("nan")
    shown = given(there)
    encoded(candidate.method.encoder, shown[:1])  # the first has its network to build
    start, used = time.perf_counter(), time.process_time()
    done = int(np.size(encoded(candidate.method.encoder, shown).places))
    return done / max(1e-9, time.perf_counter() - start), done / max(1e-9, time.process_time() - used)
