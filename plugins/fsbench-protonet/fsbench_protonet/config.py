"""Parameters of ``protonet``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fewshot_bench.api import setting, tunable

Pooling = Literal["auto", "flatten", "average", "lca", "lca-window"]


@dataclass(frozen=True, kw_only=True)
class Config:
    """What the network is, what it is trained on, and how it is selected.

    A training is epochs · episodes · train_ways · (train_shots + queries) pictures, forwards and backwards.
    """

    checkpoint: str | None = setting(
        None, "trunk.safetensors of an earlier training, used instead of training"
    )
    backbone: str = setting("conv4", "conv4, conv4-32, resnet12, or a network of torchvision or timm")
    pretrained: bool = setting(True, "begin with the published weights, where the backbone has some")
    pooling: Pooling = setting("auto", "of the feature map; auto: flatten for a conv4, else the average")
    size: int = setting(0, "side of a picture; 0: 84, or what the weights were trained for", unit="pixels")
    metric: Literal["euclidean", "cosine"] = setting(
        "euclidean", "squared Euclidean distance, or the cosine (times 10 in training)"
    )
    train_ways: int = tunable(20, 5, 60, help="classes of a training episode; may differ from evaluation")
    train_shots: int = tunable(1, 1, 5, help="support pictures of a class in training")
    queries: int = tunable(5, 1, 15, help="query pictures of a class in training")
    epochs: int = setting(20, "epochs, each followed by a validation")
    episodes: int = setting(100, "training episodes of an epoch, one optimiser step each")
    lr: float = tunable(1e-3, 1e-4, 1e-2, log=True, help="largest learning rate (AdamW, cosine decay)")
    weight_decay: float = tunable(1e-4, 1e-6, 1e-1, log=True, help="decoupled, of AdamW")
    average: float = tunable(0.95, 0.0, 0.999, help="decay of the moving average of the weights; 0: none")
    augment: bool = setting(False, "mirror and shift training pictures: for natural pictures")
    patience: int = setting(10, "epochs without a better validation that end the training")
    validation_ways: int = setting(5, "classes of a validation episode: as many as will be evaluated")
    validation_shots: int = setting(1, "support pictures of a class in validation")
    validation_episodes: int = setting(200, "validation episodes, the same after every epoch")

    def training(self) -> dict[str, object]:
        """What a training depends on."""
        return {key: value for key, value in vars(self).items() if key != "checkpoint"}
