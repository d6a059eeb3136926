"""The base data of a request: opened, split, joined, and told apart from what is evaluated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from fewshot_bench.data.index import ImageIndex
from fewshot_bench.engine.request import Request
from fewshot_bench.progress import Progress
from fewshot_bench.training.base import BaseData, concatenate, split_base


def base_data(request: Request, *, data_root: Path | None, verify: bool, progress: Progress) -> BaseData:
    """Trains, validation and unlabelled parts of ``request.train_dataset`` and ``request.unlabelled``.

    The pictures of the train part are always among the unlabelled ones.
    """

    def opened(name: str) -> ImageIndex:
        index = request.given.open(name, data_root=data_root, verify=verify, progress=progress)
        index.require_current()
        return index

    train, validation = split_base(opened(request.train_dataset))
    others = [not_novel(opened(name)) for name in request.unlabelled]
    unlabelled = concatenate([train, *others], "unlabelled") if others else train
    return BaseData(request.train_dataset, train, validation, unlabelled, request.unlabelled)


def not_novel(index: ImageIndex) -> ImageIndex:
    """Returns a data set without its novel classes, should it name any."""
    keep = np.flatnonzero(np.array([split != "novel" for split in index.class_splits], dtype=bool))
    return index.take_classes(keep)


def describe_base(base: BaseData) -> dict[str, Any]:
    """Returns what a record says of the base data."""
    return {
        "dataset": base.name,
        "fingerprint": base.fingerprint,
        "synthetic": base.train.synthetic,
        "classes": len(base.train.class_names),
        "images": len(base.train),
        "validation_classes": len(base.validation.class_names),
        "unlabelled": list(base.others),
        "unlabelled_images": len(base.unlabelled),
    }
