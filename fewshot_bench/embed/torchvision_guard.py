"""The one place where torchvision and timm are imported: it mends a CUDA torchvision beside a CPU torch.

A torchvision whose compiled extension does not load leaves its operators undefined, and importing it
then fails with "operator torchvision::nms does not exist". Models and transforms need none of these
operators: two schemas without an implementation are all that the import lacks.
"""

from __future__ import annotations

import importlib
import sys
from functools import cache
from types import ModuleType
from typing import Any

_SYMPTOM = "operator torchvision::nms does not exist"


def import_torchvision() -> ModuleType:
    """Imports torchvision and return it; every other failure to import passes through unchanged.

    Where the two builds do not match, ``torchvision.io`` and the detection operators stay unusable.
    """
    import torch  # noqa: F401  (first: its OpenMP runtime has to be the process's first one)

    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if _SYMPTOM not in str(error):
            raise
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    _define_schemas()
    return importlib.import_module("torchvision")


def import_timm() -> ModuleType:
    """Imports timm, which imports torchvision, and return it."""
    import_torchvision()
    return importlib.import_module("timm")


@cache
def _define_schemas() -> Any:
    """Define the two schemas; they exist for as long as the Library object, which the cache keeps alive."""
    import torch

    make: Any = torch.library.Library
    library = make("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library
