"""Parameters of teacher and student, and the presets that set them together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from fewshot_bench.api import setting, tunable

Pooling = Literal["average", "lca", "lca-window"]
Preset = Literal["quick", "standard", "paper"]


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that teacher and student share; 0 and "" take what the preset says."""

    preset: Preset = setting("standard", "quick: minutes on two cores; paper: ResNeXt-101 32×8d WSL on a GPU")
    checkpoint: str | None = setting(
        None, "trunk.safetensors of an earlier training, used instead of training"
    )
    backbone: str = setting("", "name of a torchvision or timm network")
    student: str = setting("", "network of the student; empty: the teacher's, whose weights it starts from")
    pooling: Pooling = setting("lca", "over the feature map: local concepts (LCA), or the average")
    pairs: str | None = setting(
        None, "CSV image_a,image_b[,same] of annotated pairs; none: by the base labels"
    )
    annotated: float = tunable(
        0.5,
        0.0,
        1.0,
        help="share of pairs that are two pictures of a product; the others are one, distorted twice",
    )
    margin: float = tunable(1.2, 0.5, 2.0, help="m of the contrastive loss; embeddings have length 1")
    mining: float = tunable(
        0.03, 0.01, 1.0, log=True, help="share of the largest losses that is back-propagated"
    )
    batch: int = tunable(32, 8, 128, unit="pairs", help="pairs of a mini-batch")
    size: int = setting(0, "side of a training picture; 0: by the preset", unit="pixels")
    lr: float = tunable(3e-4, 1e-5, 1e-3, log=True, help="largest learning rate (AdamW, cosine decay)")
    freeze: float = tunable(0.5, 0.0, 1.0, help="share of the layers that keep their pretraining")
    teacher_epochs: int = setting(0, "epochs of the teacher; 0: by the preset")
    student_epochs: int = setting(0, "epochs of the student; 0: by the preset")
    steps: int = setting(0, "optimiser steps of an epoch; 0: by the preset")
    accumulate: int = setting(0, "batches that make one step, each mined by itself; 0: by the preset")
    pseudolabels: float = tunable(0.5, 0.0, 0.8, help="share of unlabelled pictures in the student's batches")
    weight: float = tunable(0.5, 0.0, 1.0, help="of the pseudolabels in the student's loss; pairs: the rest")
    noise: bool = setting(True, "distort what the student sees of unlabelled pictures")
    C: float = tunable(10.0, 1e-2, 1e3, log=True, help="inverse strength of the L2 penalty of the regression")

    def training(self) -> dict[str, object]:
        """What a training depends on: everything but the regression and the checkpoint."""
        left_out = {"C", "checkpoint", "preset", *([] if self.student else ["student"])}
        return {k: v for k, v in vars(resolved(self)).items() if k not in left_out}


PRESETS: dict[str, dict[str, object]] = {
    "quick": {
        "backbone": "efficientnet_lite0",
        "size": 128,
        "teacher_epochs": 2,
        "student_epochs": 2,
        "steps": 30,
        "accumulate": 1,
    },
    "standard": {
        "backbone": "efficientnet_lite0",
        "size": 160,
        "teacher_epochs": 4,
        "student_epochs": 4,
        "steps": 50,
        "accumulate": 1,
    },
    "paper": {
        "backbone": "timm:resnext101_32x8d.fb_wsl_ig1b_ft_in1k",
        "size": 224,
        "teacher_epochs": 20,
        "student_epochs": 20,
        "steps": 1000,
        "accumulate": 4,
    },
}


def resolved(config: Config) -> Config:
    """The configuration with the preset's values where it leaves them open."""
    open_fields = {k: v for k, v in PRESETS[config.preset].items() if not getattr(config, k)}
    return replace(config, **open_fields)  # type: ignore[arg-type]
