"""Parameters that trained methods share: the network that training begins with, and how long it is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from fewshot_bench.contract.config import setting, share, tunable

if TYPE_CHECKING:
    from fewshot_bench.training.schedule import Schedule

View = Literal["pad", "crop", "stretch", "both"]


VIEW = "how a picture that is not square enters; both: trained on pad, evaluated on both"


@dataclass(frozen=True, kw_only=True)
class TrainedConfig:
    """Parameters that every trained encoder has; a method adds its own, and may give these other defaults."""

    checkpoint: str | None = setting(
        None, "trunk.safetensors of an earlier training, used instead of training", used_by="loading"
    )
    backbone: str = setting("conv4", "conv4, conv4-32, resnet12, or a network of torchvision or timm")
    pretrained: bool = setting(True, "begin with the published weights, where the backbone has some")
    pooling: Literal["auto", "flatten", "average", "lca", "lca-window"] = setting(
        "auto", "of the feature map; auto: flatten for a conv4, else the average"
    )
    size: int = setting(
        0, "side of a picture; 0: what the weights were trained for", unit="pixels", at_least=0
    )
    view: View = setting("pad", VIEW, used_by="start")

    def __post_init__(self) -> None:
        if self.pooling == "auto":
            pooling = "flatten" if self.backbone.startswith("conv4") else "average"
            object.__setattr__(self, "pooling", pooling)


@dataclass(frozen=True, kw_only=True)
class BothViews(TrainedConfig):
    """``TrainedConfig`` of methods whose validation classes preferred both views: a base beside that of the method."""

    view: View = setting("both", VIEW, used_by="start")


@dataclass(frozen=True, kw_only=True)
class ScheduledConfig(TrainedConfig):
    """``TrainedConfig`` and the parameters of a training in one go."""

    epochs: int = setting(20, "epochs, each followed by a validation", at_least=1)
    lr: float = tunable(1e-3, 1e-4, 1e-2, log=True, help="largest learning rate (cosine decay)", at_least=0)
    weight_decay: float = tunable(1e-4, 1e-6, 1e-1, log=True, help="decoupled, of AdamW", at_least=0)
    ema_decay: float = share(0.95, 0.0, 0.999, "of the moving average of the weights; 0: none")
    patience: int = setting(10, "epochs without a better validation that end the training", at_least=1)

    def schedule(self, steps: int, **changes: Any) -> Schedule:
        """Returns the schedule of these parameters with ``steps`` an epoch; ``changes`` are its other fields."""
        from fewshot_bench.training.schedule import Schedule

        return Schedule(
            self.epochs, steps, self.lr, weight_decay=self.weight_decay, ema_decay=self.ema_decay,
            patience=self.patience, **changes,
        )  # fmt: skip
