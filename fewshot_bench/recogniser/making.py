"""A recogniser from a folder, and from a file."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from fewshot_bench import identity
from fewshot_bench.contract.config import parameters_of
from fewshot_bench.contract.context import Context, choose_device
from fewshot_bench.contract.method import EmbeddingMethod
from fewshot_bench.data.index import SUPPORT, ImageIndex
from fewshot_bench.datasets.find import open_dataset
from fewshot_bench.engine.fitting import make_ready
from fewshot_bench.engine.making import method_of
from fewshot_bench.engine.request import Request
from fewshot_bench.engine.solvers import table_of
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.metrics.openset import Threshold
from fewshot_bench.paths import cache_dir
from fewshot_bench.prediction.run import references as index_of_folder
from fewshot_bench.progress import Progress, silent
from fewshot_bench.recogniser.archive import read_recogniser
from fewshot_bench.recogniser.calibration import Separation
from fewshot_bench.recogniser.fitted import Measured, Recogniser
from fewshot_bench.recogniser.given import AT_ONCE, encoded, given
from fewshot_bench.recogniser.references import References
from fewshot_bench.recogniser.thumbnails import thumbnail, unpacked
from fewshot_bench.store.encoding import encoder_name

ACCEPT = 0.9
"""The share of pictures of known products that a threshold accepts, unless another is asked for."""


def fit_recogniser(
    request: Request,
    index: ImageIndex | None = None,
    *,
    unknown: Any = None,
    accept: float = ACCEPT,
    data_root: Path | None = None,
    device: str = "auto",
    verify: bool = False,
    thumbnails: bool = False,
    progress: Progress = silent,
) -> Recogniser:
    """Returns a recogniser of the pictures of ``request.dataset`` (or of ``index``) that may be support.

    ``unknown`` are pictures of no product, by which the threshold is chosen as well. ``thumbnails`` keeps a small JPEG
    of each reference. Raises UsageError or FsbenchError.
    """
    if not 0 < accept <= 1:
        raise UsageError(
            f"--accept must be above 0 and at most 1, not {accept}; 0.9 accepts 90 % of known pictures."
        )
    device = choose_device(device)
    method, references = fit_references(
        request,
        index,
        data_root=data_root,
        device=device,
        verify=verify,
        thumbnails=thumbnails,
        progress=progress,
    )
    recipe = {
        "method": request.method,
        "parameters": parameters_of(method.config),
        "source": identity.source_digest(type(method)),
        "train_dataset": request.train_dataset,
        "unlabelled": list(request.unlabelled),
        "train_seed": request.train_seed,
        "encoder": {"fingerprint": method.encoder.fingerprint(), "name": encoder_name(method.encoder)},
    }
    others = None if unknown is None else _vectors(method, unknown)
    return Recogniser(method, recipe, references, device=device, accept=accept, unknown=others)


def fit_references(
    request: Request,
    index: ImageIndex | None = None,
    *,
    data_root: Path | None = None,
    device: str = "auto",
    verify: bool = False,
    thumbnails: bool = False,
    progress: Progress = silent,
) -> tuple[EmbeddingMethod, References]:
    """Returns a method that is ready, and its embeddings of the pictures of ``request.dataset`` that may be support."""
    method = embedding_method(request)
    if index is None:
        folder = Path(request.dataset).expanduser()
        index = (
            index_of_folder(folder, verify=verify, progress=progress)
            if folder.is_dir()
            else open_dataset(request.dataset, data_root=data_root, verify=verify, progress=progress)
        )
    context = Context(choose_device(device), request.train_seed, cache_dir(), progress)
    make_ready(method, request, context, None, data_root=data_root, verify=verify)
    rows = np.flatnonzero((index.pools & SUPPORT) > 0)
    used, labels = np.unique(index.labels[rows], return_inverse=True)
    if len(used) < 2:
        raise UsageError(
            f"{request.dataset} has {len(used)} products with references, and two are the least."
        )
    references = References(
        vectors=table_of(method, index, rows, context).astype(np.float32),
        labels=labels.astype(np.int32),
        digests=index.digests[rows],
        paths=tuple(index.paths[row] for row in rows.tolist()),
        class_names=tuple(index.class_names[c] for c in used.tolist()),
        thumbnails=tuple(thumbnail(index.reader(row)) for row in rows.tolist()) if thumbnails else (),
    )
    return method, references


def embedding_method(request: Request) -> EmbeddingMethod:
    """Returns the method of a request; UsageError for one that a file of embeddings cannot hold."""
    method, _ = method_of(request)
    if not isinstance(method, EmbeddingMethod):
        raise UsageError(
            f"{request.method} adapts a network to each episode, so that no file of embeddings holds it; use "
            f"`fsbench predict --method {request.method} --support FOLDER --images FOLDER`."
        )
    if method.transductive:
        raise UsageError(
            f"What {request.method} says of a picture depends on the others; take an inductive method, such as "
            "pretrained-lr."
        )
    return method


def _vectors(method: EmbeddingMethod, pictures: Any) -> NDArray[np.float32]:
    """Returns the embeddings [U, D] of pictures that can be read; UsageError where there are none."""
    shown = given(pictures)
    parts = [encoded(method.encoder, shown[i : i + AT_ONCE]) for i in range(0, len(shown), AT_ONCE)]
    found = [part.vectors for part in parts if len(part.places)]
    if not found:
        first = f"{shown[0].name}: {parts[0].defects[0]}"
        raise UsageError(f"None of the {len(shown)} unknown pictures can be read (the first, {first}).")
    return np.concatenate(found)


def load_recogniser(
    path: Path, *, data_root: Path | None = None, device: str = "auto", progress: Progress = silent
) -> Recogniser:
    """Returns the recogniser of a file; its encoder is built here and has to be the one that made the file.

    Raises UsageError or FsbenchError, one sentence, for a file that is none, a method that is not installed, and an
    encoder of another fingerprint.
    """
    facts, arrays = read_recogniser(path)
    try:
        recipe = {
            name: facts[name]
            for name in (
                "method",
                "parameters",
                "source",
                "train_dataset",
                "unlabelled",
                "train_seed",
                "encoder",
            )
        }
        references = references_of(facts, arrays)
        measured, accept = measured_of(facts["measured"]), float(facts["accept"])
        wanted, named = str(recipe["encoder"]["fingerprint"]), str(recipe["encoder"]["name"])
        request = Request(
            method=str(recipe["method"]),
            dataset="",
            parameters=dict(recipe["parameters"]),
            train_dataset=str(recipe["train_dataset"]),
            unlabelled=tuple(recipe["unlabelled"]),
            train_seed=recipe["train_seed"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise FsbenchError(
            f"{path} is no sound recogniser ({' '.join(str(error).split())}): fit it again with "
            f"`fsbench fit FOLDER -o {path}`."
        ) from error
    method = embedding_method(request)
    context = Context(choose_device(device), request.train_seed, cache_dir(), progress)
    make_ready(method, request, context, None, data_root=data_root, verify=False)
    if (here := method.encoder.fingerprint()) != wanted:
        raise FsbenchError(
            f"{path} was made with the encoder {named} ({wanted[:12]}), and the one that is built here is "
            f"{encoder_name(method.encoder)} ({here[:12]}): restore its weights, or fit it again with "
            f"`fsbench fit FOLDER --method {request.method} -o {path}`."
        )
    found = Recogniser(
        method,
        recipe,
        references,
        device=context.device,
        accept=accept,
        unknown=arrays.get("unknown"),
        measured=measured,
    )
    if recipe["source"] == identity.source_digest(type(method)) and context.device == "cpu":
        found.scorer.restore(arrays)
    return found


def references_of(facts: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> References:
    """Returns the references of a file; KeyError, TypeError or ValueError where it holds none that are sound."""
    return References(
        vectors=arrays["vectors"],
        labels=arrays["labels"],
        digests=arrays["digests"],
        paths=tuple(map(str, facts["paths"])),
        class_names=tuple(map(str, facts["class_names"])),
        thumbnails=unpacked(arrays),
    )


def stored_references(path: Path) -> References:
    """Returns the references of a recogniser's file, without building its encoder; FsbenchError where it is unsound."""
    facts, arrays = read_recogniser(path)
    try:
        return references_of(facts, arrays)
    except (KeyError, TypeError, ValueError) as error:
        raise FsbenchError(
            f"{path} is no sound recogniser ({' '.join(str(error).split())}): fit it again with "
            f"`fsbench fit FOLDER -o {path}`."
        ) from error


def measured_of(told: dict[str, Any]) -> Measured:
    """Returns what a file says was measured; KeyError, TypeError or ValueError where it says something else."""
    parts: dict[str, Any] = {}
    for name, kind in (("threshold", Threshold), ("separation", Separation)):
        inner = told[name]
        parts[name] = (
            inner if inner is None else kind(**{f.name: inner[f.name] for f in fields(cast(Any, kind))})
        )
    temperature = told["temperature"]
    if temperature is not None and not float(temperature) > 0:
        raise ValueError("its temperature is not above 0")
    return Measured(temperature=temperature, accuracy=told["accuracy"], asked=int(told["asked"]), **parts)


def require_place(path: Path) -> None:
    """Raises UsageError where no file can be at ``path``, before any work is done."""
    if path.is_dir() or not path.expanduser().absolute().parent.is_dir():
        raise UsageError(f"--output {path} must be a file in a folder that is there, such as shop.fsb.")
