"""EpisodeTrained: an encoder trained on episodes, by the scores that it is evaluated by."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from fewshot_bench.api import (
    BaseData,
    Context,
    EpisodeBatch,
    Episodes,
    Loss,
    Schedule,
    ScheduledConfig,
    TrainedMethod,
    TrunkEncoder,
    Validation,
    episode_loss,
    setting,
    tunable,
)
from fsbench_meta_trained.baseline import Baseline, BaselineConfig
from fsbench_meta_trained.embedded import Embedded, EmbeddedHead, all_present

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


@dataclass(frozen=True, kw_only=True)
class EpisodicConfig(ScheduledConfig):
    """Parameters of a training on episodes, which may begin with one by classification."""

    pretrain_epochs: int = setting(0, "epochs of classification before the episodes; 0: none", at_least=0)
    pretrain_lr: float = setting(3e-3, "largest learning rate of the classification", at_least=0)
    train_ways: int = tunable(10, 5, 60, help="classes of a training episode; may differ from evaluation")
    train_shots: int = tunable(1, 1, 5, help="support pictures of a class in training")
    queries: int = tunable(5, 1, 15, help="query pictures of a class in training")
    episodes: int = setting(100, "training episodes of an epoch, one optimiser step each")
    augment: bool = setting(False, "mirror and shift training pictures: for natural pictures")
    validation_ways: int = setting(5, "classes of a validation episode: as many as will be evaluated")
    validation_shots: int = setting(1, "support pictures of a class in validation")
    validation_episodes: int = setting(200, "validation episodes, the same after every epoch")

    def classification(self) -> BaselineConfig:
        """Returns the parameters of the first training: its own, and the network of this one."""
        shared = {field.name for field in fields(ScheduledConfig)} - {"epochs", "lr", "checkpoint"}
        same = {name: getattr(self, name) for name in shared | {"augment"}}
        return BaselineConfig(epochs=self.pretrain_epochs, lr=self.pretrain_lr, **same)


@dataclass(frozen=True, kw_only=True)
class MapConfig(EpisodicConfig):
    """``EpisodicConfig`` of methods that compare feature maps, cell by cell."""

    pooling: Literal["flatten"] = setting("flatten", "of the feature map, which is kept whole")


Given = TypeVar("Given", bound=EpisodicConfig)


class EpisodeTrained(TrainedMethod[Given], Generic[Given]):
    """The base of methods whose ``logits`` are both what training minimises the loss of and what scores episodes."""

    api_version = 1
    first: TrunkEncoder | None = None
    """The encoder after the training by classification, where there is one."""

    @abstractmethod
    def logits(self, episodes: Embedded, learnt: Any) -> Tensor:
        """Returns the logits ``[T, Q, N]`` of episodes; ``learnt`` is the learnt head, None without one."""

    def fit(self, base: BaseData, context: Context) -> dict[str, Any]:
        """Trains by classification where that is asked for, then on episodes."""
        if not self.config.pretrain_epochs:
            return super().fit(base, context)
        first = Baseline(self.config.classification())
        before = first.fit(base, context)
        self.first = first.encoder  # type: ignore[assignment]
        facts = super().fit(base, context)
        return facts | {key: before[key] | facts[key] for key in ("log", "timings")}

    def start(self, context: Context) -> TrunkEncoder:
        return super().start(context) if self.first is None else self.first

    def data(self, base: BaseData) -> Episodes:
        c = self.config
        shape = c.train_ways, c.train_shots, c.queries
        return Episodes(base.train, *shape, augment="flip" if c.augment else "none")

    def embedded(self, network: Module, batch: EpisodeBatch) -> tuple[Embedded, Any]:
        """Returns the embeddings of training episodes, and the learnt head."""
        return all_present(*batch.embedded(network)), getattr(network, "head", None)

    def loss(self, network: Module, batch: EpisodeBatch) -> Loss:
        return episode_loss(self.logits(*self.embedded(network, batch)))

    def schedule(self) -> Schedule:
        return self.config.schedule(steps=self.config.episodes)

    def validation(self, base: BaseData) -> Validation:
        c = self.config
        return Validation(c.validation_ways, c.validation_shots, episodes=c.validation_episodes)

    def make_head(self, context: Context) -> EmbeddedHead:
        return EmbeddedHead(partial(self.logits, learnt=self.learnt))

    def cells(self, embeddings: Tensor) -> Tensor:
        """Returns the maps of embeddings ``[..., D]`` as ``[..., r, C]``, r cells of C values."""
        return embeddings.reshape(*embeddings.shape[:-1], self.map_shape[0], -1).mT
