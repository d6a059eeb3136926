"""Base data as a message: labelled base classes go to the isolated process, their pictures when it asks for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fewshot_bench.data.index import ImageIndex
from fewshot_bench.isolation.wire import Arrays
from fewshot_bench.training.base import BaseData

if TYPE_CHECKING:
    from PIL.Image import Image

ARRAYS = ("labels", "pools", "groups", "positions", "guards", "digests")
TEXTS = (
    "name",
    "variant",
    "paths",
    "class_names",
    "class_splits",
    "synthetic",
    "notes",
    "seen_by",
    "families",
)
PARTS = ("train", "validation", "unlabelled")

Read = Callable[[str, int], "Image"]
"""The picture of a row of one of ``PARTS``."""


def base_message(base: BaseData) -> tuple[dict[str, Any], Arrays]:
    """Returns base data as the head and the arrays of a message."""
    head: dict[str, Any] = {"name": base.name, "others": base.others}
    arrays: Arrays = {}
    for part in PARTS:
        index: ImageIndex = getattr(base, part)
        if part == "unlabelled" and index is base.train:
            continue
        head[part] = {name: getattr(index, name) for name in TEXTS}
        arrays |= {f"{part}.{name}": getattr(index, name) for name in ARRAYS}
    return head, arrays


def base_of(head: dict[str, Any], arrays: Arrays, read: Read) -> BaseData:
    """Returns the base data of a message; its pictures are what ``read`` gives."""

    def index_of(part: str) -> ImageIndex:
        fields: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in head[part].items()}
        fields |= {name: arrays[f"{part}.{name}"] for name in ARRAYS}
        return ImageIndex(**fields, reader=lambda row: read(part, int(row)))

    train, validation = index_of("train"), index_of("validation")
    unlabelled = index_of("unlabelled") if "unlabelled" in head else train
    return BaseData(head["name"], train, validation, unlabelled, tuple(head["others"]))
