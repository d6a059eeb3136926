"""Parameters of fine-tuning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fewshot_bench.api import setting, tunable


@dataclass(frozen=True, kw_only=True)
class Config:
    """What is trained on an episode's support pictures, and for how long."""

    backbone: str = setting("efficientnet_lite0", "name of a torchvision or timm network")
    weights: str | None = setting(None, "file to load instead of the published weights", content=True)
    pretrained: bool = setting(True, "start from published weights; no: from random ones")
    pooling: Literal["average", "lca", "lca-window"] = setting(
        "average", "over the feature map; lca: LCA layer"
    )
    tune: Literal["whole", "head"] = setting(
        "whole", "what learns: the whole network, or its last layer alone"
    )
    gamma: float = tunable(0.0, 0.0, 1.0, help="MaxEnt: weight of the entropy of the predicted distribution")
    n_networks: int = setting(
        1,
        "networks whose probabilities are averaged, each trained from its own seed",
        used_by="average",
        at_least=1,
    )
    epochs: int = tunable(5, 1, 50, help="passes over the support pictures", at_least=1)
    least_steps: int = setting(40, "optimiser steps at least, for supports of a few pictures")
    batch: int = setting(32, "pictures of a mini-batch", at_least=1)
    lr: float = tunable(1e-3, 1e-5, 1e-1, log=True, help="peak learning rate of AdamW")
    weight_decay: float = tunable(1e-2, 1e-5, 1.0, log=True)
    size: int = setting(224, "side of the pictures", unit="px", at_least=1)
    view: Literal["pad", "crop", "stretch"] = setting("pad", "how a picture that is not square enters")
    flip: bool = setting(True, "mirror half of the training pictures")
    shift: float = setting(0.1, "how far training pictures are moved at most", unit="of the side")
    held_out: float = setting(
        0.1, "share of a class's pictures that the best epoch is chosen on, if it has 10"
    )
    precision: Literal["float32", "bf16"] = setting("bf16", "of the arithmetic of training")
