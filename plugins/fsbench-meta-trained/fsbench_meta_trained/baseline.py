"""Baseline (Chen et al. 2019): classification of the base classes, then logistic regression on each support."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from fewshot_bench.api import (
    BaseData,
    Context,
    Head,
    LogisticRegression,
    Loss,
    PictureBatch,
    PictureBatches,
    Schedule,
    ScheduledConfig,
    TrainedMethod,
    Validation,
    setting,
    tunable,
)

if TYPE_CHECKING:
    from torch.nn import Module


@dataclass(frozen=True, kw_only=True)
class ClassifierConfig(ScheduledConfig):
    """Parameters of a training by classification of the base classes."""

    batch: int = tunable(64, 16, 256, log=True, help="pictures of a mini-batch", at_least=2)
    steps: int = setting(100, "mini-batches of an epoch", at_least=1)
    augment: bool = setting(False, "mirror and shift training pictures: for natural pictures")
    validation_ways: int = setting(5, "classes of a validation episode: as many as will be evaluated")
    validation_shots: int = setting(1, "support pictures of a class in validation")
    validation_episodes: int = setting(200, "validation episodes, the same after every epoch")


@dataclass(frozen=True, kw_only=True)
class BaselineConfig(ClassifierConfig):
    """Parameters of ``baseline``."""

    C: float = tunable(
        1.0, 0.01, 100.0, log=True, help="inverse strength of the regression's penalty", used_by="head"
    )


Given = TypeVar("Given", bound=ClassifierConfig)


class Classified(TrainedMethod[Given], Generic[Given]):
    """The base of methods that are trained to classify the base classes.

    Their learnt head is a classifier of the base classes, which evaluation does not need: an encoder of a
    ``checkpoint`` comes without it.
    """

    api_version = 1
    classes = 0
    """The number of base classes, from ``fit`` on."""

    def fit(self, base: BaseData, context: Context) -> dict[str, Any]:
        """Trains the classifier of the base classes."""
        self.classes = len(base.train.class_names)
        return super().fit(base, context)

    def data(self, base: BaseData) -> PictureBatches:
        c = self.config
        return PictureBatches(base.train, c.batch, augment="flip" if c.augment else "none")

    def loss(self, network: Module, batch: PictureBatch) -> Loss:
        """Returns the cross-entropy of the classifier on labelled pictures, and its accuracy."""
        import torch
        from torch.nn.functional import cross_entropy

        logits = network.get_submodule("head")(network(batch.images))
        labels = torch.from_numpy(batch.labels).to(logits.device)
        correct = (logits.detach().argmax(1) == labels).float().mean()
        return cross_entropy(logits, labels), {"accuracy": float(correct)}

    def schedule(self) -> Schedule:
        return self.config.schedule(steps=self.config.steps)

    def validation(self, base: BaseData) -> Validation:
        c = self.config
        return Validation(c.validation_ways, c.validation_shots, episodes=c.validation_episodes)


class Baseline(Classified[BaselineConfig]):
    """Training: −log softmax(W f(x) + b) of the base class. Evaluation: logistic regression on f of the support."""

    name = "baseline"
    summary = "classifier of the base classes, frozen; logistic regression"
    reference = "Chen, Liu, Kira, Wang, Huang: A Closer Look at Few-shot Classification, ICLR 2019"
    calibrated = True

    def learnt_head(self, width: int) -> Module | None:
        """Returns the classifier of the base classes, an affine map of embeddings."""
        from torch import nn

        return nn.Linear(width, self.classes) if self.classes else None

    def make_head(self, context: Context) -> Head:
        return LogisticRegression(self.config.C, normalize=True)
