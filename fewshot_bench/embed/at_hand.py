"""Backbones whose weights were put on this machine."""

from __future__ import annotations

from collections.abc import Iterable

from fewshot_bench.embed.torchvision_guard import import_timm, import_torchvision
from fewshot_bench.embed.weights import SUFFIXES, weights_folders


def backbones_at_hand() -> list[str]:
    """Returns the backbones that the files of weights in ``$FSBENCH_WEIGHTS`` are named after.

    A file is ``NAME.pth``, ``NAME-….pth`` or ``.safetensors``, where NAME is that of a network of torchvision, or of
    timm with or without a tag. Other files are passed over.
    """
    stems = sorted(
        file.stem
        for folder in weights_folders()
        if folder.is_dir()
        for file in folder.iterdir()
        if file.suffix in SUFFIXES
    )
    return list(dict.fromkeys(named(stems)))


def named(stems: Iterable[str]) -> Iterable[str]:
    """Yields the backbone of each stem of a file's name that has one."""
    known: set[str] = set()
    for stem in stems:
        if not known:
            models = import_torchvision().models
            known = set(models.list_models(module=models))
        name = stem.partition("-")[0]
        if name in known:
            yield name
        elif import_timm().is_model(name.partition(".")[0]):
            yield f"timm:{name}"
