"""The arithmetic of a training: deterministic algorithms, and bf16 where it is asked for."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any


def deterministic() -> AbstractContextManager[Any]:
    """Returns the flags of every training: cuDNN's deterministic algorithms, none chosen by a race."""
    from torch.backends import cudnn

    flags: AbstractContextManager[Any] = cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=True
    )
    return flags


def mixed(device: str, precision: str) -> AbstractContextManager[Any]:
    """Returns the autocast to bf16 where ``precision`` is ``bf16``, and float32 arithmetic otherwise."""
    import torch

    kind = torch.device(device).type
    return torch.autocast(kind, dtype=torch.bfloat16, enabled=precision == "bf16")
