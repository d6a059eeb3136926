"""Candidates: the methods that are tried on a folder, each ready and with its references encoded once."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.contract.config import parameters_of
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.embed.at_hand import backbones_at_hand
from fewshot_bench.engine.request import Request
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.heads.logistic import LogisticRegression, too_many
from fewshot_bench.progress import Progress, silent
from fewshot_bench.recogniser.given import encoded, given
from fewshot_bench.recogniser.making import embedding_method, fit_references
from fewshot_bench.shelf.decide import Candidate
from fewshot_bench.shelf.shown import drawn, vectors
from fewshot_bench.store.encoder import Encoder

METHODS = ("pretrained-lr", "pretrained-proto", "pretrained-knn")
"""The heads that are tried: logistic regression, nearest mean, nearest reference."""

TIMED = 32
"""Pictures by which the rate is measured."""


def candidates(
    dataset: str,
    methods: Sequence[str] = METHODS,
    backbones: Sequence[str] | None = (),
    *,
    index: ImageIndex | None = None,
    on: Any = None,
    data_root: Path | None = None,
    device: str = "auto",
    verify: bool = False,
    progress: Progress = silent,
) -> tuple[list[Candidate], list[str]]:
    """Returns the candidates of a folder or data set, and notes on those that cannot be had here.

    ``backbones`` are names, or NAME=FILE with the weights of a file; () stands for the one of each method, and None for
    that and those whose weights are at hand. ``on`` are pictures without labels, as ``given`` takes them. Pictures are
    encoded once for each encoder. Raises what the first raises where none can be had.
    """
    shown = [] if on is None else drawn(given(on))
    found: list[Candidate] = []
    notes: list[str] = []
    failure: Exception | None = None
    kept: dict[str, NDArray[np.float32]] = {}
    for method in methods:
        for backbone in backbones_for(method, backbones):
            name, _, weights = backbone.partition("=")
            parameters = {key: value for key, value in (("backbone", name), ("weights", weights)) if value}
            label = " ".join(
                [method, *(f"--set {key}={shlex.quote(value)}" for key, value in parameters.items())]
            )
            try:
                made, references = fit_references(
                    Request(method, dataset, parameters=parameters), index,
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
            if isinstance(getattr(made, "head", None), LogisticRegression) and too_many(
                *references.support.shape
            ):
                notes.append(
                    f"{label} is left out: logistic regression does not take so many products at once."
                )
                continue
            key = made.encoder.fingerprint()
            if shown and key not in kept:
                kept[key], left_out = vectors(made, shown, references, progress)
                notes += left_out if len(kept) == 1 else []
            found.append(Candidate(label, made, references, kept.get(key)))
    if not found and failure is not None:
        raise failure
    return found, notes


def backbones_for(method: str, asked: Sequence[str] | None) -> Sequence[str]:
    """Returns what ``backbone`` of a method is set to in turn; "" leaves it as it is."""
    if asked is not None:
        return asked or ("",)
    able = "backbone" in parameters_of(embedding_method(Request(method, "")).config)
    return ("", *(backbones_at_hand() if able else ()))


def rates(candidates: Sequence[Candidate], folder: Path) -> dict[str, tuple[float, float]]:
    """Returns pictures a second, and a second of one core, from file to vector, of each candidate by its label.

    Each encoder is measured once. Both are NaN where no reference is at hand as a file below ``folder``.
    """
    paths = [folder / path for path in candidates[0].references.paths[:TIMED]]
    there = [path for path in paths if path.is_file()]
    known: dict[str, tuple[float, float]] = {}
    for one in candidates:
        key = one.method.encoder.fingerprint()
        if key not in known:
            known[key] = rate_of(one.method.encoder, there)
    return {one.label: known[one.method.encoder.fingerprint()] for one in candidates}


def rate_of(encoder: Encoder, files: Sequence[Path]) -> tuple[float, float]:
    """Returns pictures a second, and a second of one core, from file to vector; NaN for no file."""
    if not files:
        return float("nan"), float("nan")
    shown = given(list(files))
    encoded(encoder, shown[:1])  # the first has its network to build
    start, used = time.perf_counter(), time.process_time()
    done = int(np.size(encoded(encoder, shown).places))
    return done / max(1e-9, time.perf_counter() - start), done / max(1e-9, time.process_time() - used)
