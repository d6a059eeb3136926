"""Parameters of both methods, and the presets that set them together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from fewshot_bench.api import UsageError, setting, tunable

Preset = Literal["quick", "standard", "paper"]
HEAD = ("head", "k", "metric", "units")
"""Parameters of what comes after the embedding: no training depends on them."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """What the contrastive and the triplet network share; 0 and "" take what the preset says."""

    preset: Preset = setting(
        "standard", "quick: minutes on two cores; paper: the report's ResNet-18 on a GPU"
    )
    checkpoint: str | None = setting(
        None, "trunk.safetensors of an earlier training, used instead of training"
    )
    backbone: str = setting("", "conv4, resnet12, or a network of torchvision or timm")
    pretrained: bool = setting(True, "begin with the published weights, where the backbone has some")
    pooling: Literal["average", "lca", "lca-window"] = setting("average", "over the feature map")
    size: int = setting(0, "side of a picture; 0: what the weights were trained for", unit="pixels")
    train_size: int = setting(0, "side of a training picture; 0: size, or by the preset", unit="pixels")
    embedding: int = tunable(
        256, 32, 512, help="values of an embedding; 0: the pooled features, not projected"
    )
    hidden: int = setting(0, "units of a hidden layer, with a sigmoid, before the embedding; 0: none")
    output: Literal["sigmoid", "unit", "none"] = setting(
        "sigmoid", "of the embedding; unit: scaled to length 1"
    )
    margin: float = tunable(2.0, 0.2, 8.0, log=True, help="m of the loss, a Euclidean distance")
    mining: float = tunable(
        0.5, 0.05, 1.0, log=True, help="share of the largest losses of a mini-batch that counts"
    )
    samples: int = setting(0, "pairs or triplets of an epoch")
    batch: int = setting(0, "pairs or triplets of a mini-batch")
    epochs: int = setting(0, "epochs, each followed by a validation")
    lr: float = setting(0.0, "largest learning rate (Adam, cosine decay)")
    average: float = tunable(0.9, 0.0, 0.999, help="decay of the moving average of the weights; 0: none")
    freeze: float = tunable(0.0, 0.0, 1.0, help="share of the backbone's layers that keep their pretraining")
    augment: Literal["flip", "distort", "none"] = setting(
        "flip", "of training pictures: mirrored and moved, or distorted as by a camera"
    )
    patience: int = setting(10, "epochs without a better validation that end the training")
    precision: Literal["bf16", "float32"] = setting("bf16", "of the backbone's arithmetic in training")
    head: Literal["knn", "mlp"] = setting(
        "knn", "nearest neighbours, or a perceptron with one hidden layer, which ranks whole classes"
    )
    k: int = tunable(1, 1, 5, help="support pictures that vote")
    metric: Literal["euclidean", "cosine"] = setting(
        "euclidean", "distance between a query and a support picture"
    )
    units: int = tunable(256, 32, 512, help="of the perceptron's hidden layer")

    @property
    def widths(self) -> tuple[int, ...]:
        """Of the layers after the pooled features."""
        return tuple(width for width in (self.hidden, self.embedding) if width)

    def training(self) -> dict[str, object]:
        """What a training depends on."""
        return {k: v for k, v in vars(self).items() if k not in (*HEAD, "checkpoint", "preset")}


PRESETS: dict[str, dict[str, object]] = {
    "quick": {
        "backbone": "efficientnet_lite0",
        "train_size": 128,
        "samples": 640,
        "batch": 32,
        "epochs": 3,
        "lr": 3e-4,
    },
    "standard": {
        "backbone": "efficientnet_lite0",
        "train_size": 160,
        "samples": 1600,
        "batch": 32,
        "epochs": 6,
        "lr": 3e-4,
    },
    "paper": {
        "backbone": "resnet18",
        "train_size": 224,
        "samples": 10_000,
        "batch": 250,
        "epochs": 90,
        "lr": 5e-5,
    },
}

Some = TypeVar("Some", bound=Config)


def resolved(config: Some) -> Some:
    """The configuration with the preset's values where it leaves them open."""
    preset = {**PRESETS[config.preset], **({"train_size": config.size} if config.size else {})}
    open_fields = {k: v for k, v in preset.items() if not getattr(config, k)}
    return replace(config, **open_fields)  # type: ignore[arg-type]


LEAST = {
    **{
        "size": 0,
        "train_size": 1,
        "embedding": 0,
        "hidden": 0,
        "samples": 1,
        "batch": 2,
        "epochs": 1,
        "patience": 1,
    },
    **{"margin": 0.0, "mining": 0.0, "lr": 0.0, "average": 0.0, "freeze": 0.0, "p_same": 0.0},
}
SHARES = ("mining", "average", "freeze", "p_same")


def check(config: Config) -> None:
    """UsageError for a value that no training is possible with."""
    for name, value in vars(config).items():
        if name in LEAST and value < LEAST[name]:
            raise UsageError(f"A Siamese network needs {name} of at least {LEAST[name]}, not {value}.")
        if name in SHARES and value > 1:
            raise UsageError(f"The {name} of a Siamese network is a share of at most 1, not {value}.")
    if config.hidden and not config.embedding:
        raise UsageError(
            f"hidden={config.hidden} is a layer before an embedding, and embedding=0 asks for none; set embedding too."
        )
