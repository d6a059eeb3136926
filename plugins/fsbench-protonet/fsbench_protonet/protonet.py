"""``protonet``: a network trained so that queries are nearest to the mean of their class's support."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fewshot_bench.api import (
    BaseData,
    Context,
    EpisodeBatch,
    Episodes,
    Loss,
    Prototype,
    Schedule,
    ScheduledConfig,
    TrainedMethod,
    Validation,
    cosines,
    episode_loss,
    setting,
    squared_distances,
    tunable,
)

if TYPE_CHECKING:
    from torch.nn import Module

TEMPERATURE = 0.1
"""The temperature of the softmax over cosines: they lie in −1..1, where a softmax of 20 classes is almost flat."""


@dataclass(frozen=True, kw_only=True)
class ProtoNetConfig(ScheduledConfig):
    """What the network is, what it is trained on, and how it is selected; ``size`` 0 of a conv4 is 84 pixels."""

    metric: Literal["euclidean", "cosine"] = setting(
        "euclidean", "squared Euclidean distance, or the cosine (times 10 in training)"
    )
    train_ways: int = tunable(20, 5, 60, help="classes of a training episode; may differ from evaluation")
    train_shots: int = tunable(1, 1, 5, help="support pictures of a class in training")
    queries: int = tunable(5, 1, 15, help="query pictures of a class in training")
    episodes: int = setting(100, "training episodes of an epoch, one optimiser step each")
    augment: bool = setting(False, "mirror and shift training pictures: for natural pictures")
    validation_ways: int = setting(5, "classes of a validation episode: as many as will be evaluated")
    validation_shots: int = setting(1, "support pictures of a class in validation")
    validation_episodes: int = setting(200, "validation episodes, the same after every epoch")


class ProtoNet(TrainedMethod[ProtoNetConfig]):
    """p(y = n | x) ∝ exp(−‖f(x) − c_n‖²), c_n = (1/K) Σ_k f(x_nk) over the support of class n (eq. 1–2)."""

    api_version = 1
    name = "protonet"
    summary = "prototypical network: trained on episodes, nearest class mean"
    reference = "Snell, Swersky, Zemel: Prototypical networks for few-shot learning, 2017"

    def data(self, base: BaseData) -> Episodes:
        c = self.config
        shape = c.train_ways, c.train_shots, c.queries
        return Episodes(base.train, *shape, augment="flip" if c.augment else "none")

    def loss(self, network: Module, batch: EpisodeBatch) -> Loss:
        from torch.nn.functional import normalize

        support, query = batch.embedded(network)
        if self.config.metric == "euclidean":
            return episode_loss(-squared_distances(query, support.mean(dim=2)))
        return episode_loss(cosines(query, normalize(support, dim=3).mean(dim=2)) / TEMPERATURE)

    def schedule(self) -> Schedule:
        return self.config.schedule(steps=self.config.episodes)

    def validation(self, base: BaseData) -> Validation:
        c = self.config
        return Validation(c.validation_ways, c.validation_shots, episodes=c.validation_episodes)

    def make_head(self, context: Context) -> Prototype:
        return Prototype(self.config.metric)
