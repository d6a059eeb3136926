"""Parameters of teacher and student, and the presets that set them together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from fewshot_bench.api import BothViews, setting, share, tunable


@dataclass(frozen=True, kw_only=True)
class Config(BothViews):
    """Parameters that teacher and student share; the defaults are those of the preset ``standard``.

    Pictures of the evaluation have the side that the weights were trained for.
    """

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "quick": {"size": 128, "teacher_epochs": 2, "student_epochs": 2, "steps": 30},
        "standard": {},
        "paper": {
            "backbone": "timm:resnext101_32x8d.fb_wsl_ig1b_ft_in1k", "size": 224, "teacher_epochs": 20,
            "student_epochs": 20, "steps": 1000, "accumulate": 4,
        },
    }  # fmt: skip
    preset: Literal["quick", "standard", "paper"] = setting(
        "standard", "quick: minutes on two cores; paper: ResNeXt-101 32×8d WSL on a GPU", used_by="presets"
    )
    backbone: str = setting("efficientnet_lite0", "name of a torchvision or timm network")
    student: str = setting("", "network of the student; empty: it starts from the teacher", used_by="student")
    pooling: Literal["auto", "flatten", "average", "lca", "lca-window"] = setting(
        "lca", "of the feature map: local concepts (LCA), or the average"
    )
    pairs: str | None = setting(None, "CSV image_a,image_b[,same] of pairs; none: by labels", content=True)
    annotated: float = share(0.5, 0.0, 1.0, "share of pairs that are two pictures, not one distorted twice")
    margin: float = tunable(1.2, 0.5, 2.0, help="m of the contrastive loss; embeddings have length 1")
    mining: float = share(0.03, 0.01, 1.0, "share of the largest losses that is back-propagated", log=True)
    batch: int = tunable(32, 8, 128, unit="pairs", help="pairs of a mini-batch", at_least=1)
    size: int = setting(160, "side of a training picture", unit="pixels", at_least=1)
    lr: float = tunable(3e-4, 1e-5, 1e-3, log=True, help="largest learning rate (AdamW, cosine decay)")
    freeze: float = share(0.5, 0.0, 1.0, "share of the layers that keep their pretraining")
    teacher_epochs: int = setting(4, "epochs of the teacher", at_least=1)
    student_epochs: int = setting(4, "epochs of the student", at_least=1, used_by="student")
    steps: int = setting(50, "optimiser steps of an epoch", at_least=1)
    accumulate: int = setting(1, "batches that make one step, each mined by itself", at_least=1)
    pseudolabels: float = share(0.5, 0.0, 0.8, "share of unlabelled pictures", used_by="student", at_most=0.9)
    weight: float = share(
        0.5, 0.0, 1.0, "of the pseudolabels in the loss; pairs: the rest", used_by="student"
    )
    noise: bool = setting(True, "distort what the student sees of unlabelled pictures", used_by="student")
    C: float = tunable(10.0, 1e-2, 1e3, log=True, help="inverse strength of the L2 penalty", used_by="head")
