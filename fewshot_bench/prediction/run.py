"""predict: new pictures against a folder of reference pictures, by any method of the benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from fewshot_bench.contract.config import parameters_of
from fewshot_bench.contract.context import Context, choose_device
from fewshot_bench.contract.method import EmbeddingMethod
from fewshot_bench.data.index import ImageIndex
from fewshot_bench.data.scan import Scan
from fewshot_bench.datasets.folder import NOTE, Folder
from fewshot_bench.datasets.locate import load_dataset
from fewshot_bench.engine.fitting import make_ready
from fewshot_bench.engine.making import method_of
from fewshot_bench.engine.request import Request
from fewshot_bench.engine.solvers import table_of
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.paths import cache_dir
from fewshot_bench.prediction.classifier import Classifier
from fewshot_bench.prediction.nearest import contents_of, nearest_several, unit
from fewshot_bench.prediction.neighbours import NEIGHBOURS, Neighbours, with_runner_up
from fewshot_bench.prediction.pictures import find_pictures, index_pictures
from fewshot_bench.prediction.predictions import Predictions
from fewshot_bench.progress import Progress, silent


def predict(
    request: Request,
    images: Sequence[Path],
    *,
    top: int = 5,
    reject_rate: float | None = None,
    data_root: Path | None = None,
    device: str = "auto",
    cache: Path | None = None,
    verify: bool = False,
    progress: Progress = silent,
) -> Predictions:
    """Classifies the pictures at ``images`` (files and folders) among the classes of a folder.

    ``request`` names the method, its parameters and training, and as ``dataset`` the folder of class folders;
    what it says of episodes is not used. All pictures of a class are its support, and each picture gets ``top``
    classes. With ``reject_rate`` a threshold is found on held-out references, and the training must not have
    seen them. Raises UsageError for what was asked, and FsbenchError for what is found.
    """
    if top < 1:
        raise UsageError(f"--top must be a whole number from 1, not {top}.")
    if reject_rate is not None and not 0 <= reject_rate < 1:
        raise UsageError(f"--reject-rate must be at least 0 and below 1, not {reject_rate}.")
    method, _ = method_of(request)
    if reject_rate is not None and method.transductive:
        raise UsageError(
            f"What {request.method} says of a picture depends on the others, so that no threshold holds: "
            "leave --reject out, or take an inductive method."
        )
    paths = find_pictures(images)
    context = Context(
        device=choose_device(device), seed=request.train_seed, cache=cache or cache_dir(), progress=progress
    )
    index = references(Path(request.dataset).expanduser(), verify=verify, progress=progress)
    measured = None if reject_rate is None else index
    make_ready(method, request, context, measured, data_root=data_root, verify=verify)
    classifier = Classifier(method, index, context, nearest=reject_rate is not None)
    found = Predictions.none_yet(paths, min(top, len(index.class_names)), index.class_names)
    neighbours = None
    if isinstance(method, EmbeddingMethod):
        neighbours = Neighbours.none_yet(len(paths), index.paths, index.labels, index.class_names)
    found = replace(
        found,
        neighbours=neighbours,
        score_name="probability" if method.calibrated else "score",
        threshold=None if reject_rate is None else classifier.threshold(reject_rate),
        notes=tuple(notes_of(classifier, len(paths))),
        facts={
            "method": request.method,
            "parameters": parameters_of(method.config),
            "support": request.dataset,
            "support_fingerprint": index.fingerprint,
            "classes": len(index.class_names),
            "references": len(index),
            "device": context.device,
            **({} if reject_rate is None else {"best": classifier.compared}),
        },
    )
    fill(found, classifier, paths, Scan(verify=verify))
    if all(found.defects):
        raise FsbenchError(
            f"None of the {len(paths)} pictures can be read (the first, {paths[0]}: {found.defects[0]}): "
            "name others with --images."
        )
    return found


def references(folder: Path, *, verify: bool, progress: Progress) -> ImageIndex:
    """Returns the index of a folder of at least two class folders; raises UsageError or FsbenchError for another."""
    if not folder.is_dir():
        raise UsageError(f"--support {folder} is no folder; name a folder of class folders.")

    def scanned(done: int, total: int) -> None:
        progress("scan", done, total)

    index = load_dataset(Folder(), path=folder, verify=verify, progress=scanned)
    if len(index.class_names) < 2:
        raise FsbenchError(
            f"{folder} holds one class, {index.class_names[0]!r}; a picture is classified among two or more."
        )
    index.require_current()
    return index


def notes_of(classifier: Classifier, total: int) -> list[str]:
    """Returns what a person should know first: what was left out of the references, and what depends on what."""
    notes = [note for note in classifier.index.notes if note != NOTE]
    if classifier.method.transductive and total > 1:
        notes.append(
            f"{classifier.method.name} is transductive: what it says of a picture depends on the others, "
            f"{min(total, classifier.max_batch)} of which are classified together."
        )
    return notes


def fill(found: Predictions, classifier: Classifier, paths: Sequence[Path], scan: Scan) -> None:
    """Classifies ``paths`` and writes the results into ``found``, some at a time, so that memory holds one part."""
    index, context, total = classifier.index, classifier.context, len(paths)
    known = {digest.tobytes(): path for digest, path in zip(index.digests, index.paths, strict=True)}
    top = found.classes.shape[1]
    if found.neighbours is not None:
        units, contents = unit(classifier.table), contents_of(index.digests, index.labels)
    for start in range(0, total, classifier.max_batch):
        part = paths[start : start + classifier.max_batch]
        context.progress("predict", start, total)
        pictures, defects = index_pictures(part, scan)
        found.defects[start : start + len(part)] = defects
        if pictures is None:
            continue
        watched = replace(context, progress=Share(context.progress, start, len(part), total))
        queries = table_of(classifier.method, pictures, np.arange(len(pictures)), watched)
        scores, best = classifier.classify(queries)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :top]
        places = start + np.flatnonzero([not defect for defect in defects])
        found.classes[places], found.best[places] = order, best
        found.scores[places] = np.take_along_axis(scores, order, axis=1)
        if found.neighbours is not None:
            asked = unit(queries)
            several = nearest_several(units, asked, NEIGHBOURS, contents)
            near = with_runner_up(
                several, lambda rows: units[rows], asked, contents, classifier.support, order
            )
            found.neighbours.put(places, near)
            found.cosines[places] = near.cosines[:, 0]
            for place, row in zip(places.tolist(), near.rows[:, 0].tolist(), strict=True):
                found.nearest[place] = index.paths[row]
        for place, digest in zip(places.tolist(), pictures.digests, strict=True):
            found.copies[place] = known.get(digest.tobytes(), "")
    context.progress("predict", total, total)


class Share:
    """Tells the progress of one part as that of the whole: ``size`` of ``total`` pictures, from ``start`` on."""

    def __init__(self, tell: Progress, start: int, size: int, total: int) -> None:
        self.tell, self.start, self.size, self.total = tell, start, size, total

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Tells that ``done`` of ``total`` steps of the part are done."""
        self.tell("predict", self.start + self.size * done // max(1, total), self.total, note)
