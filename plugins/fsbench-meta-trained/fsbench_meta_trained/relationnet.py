"""Relation networks (Sung et al. 2018): a small network compares the map of a query with that of a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fewshot_bench.api import EpisodeBatch, Loss, setting
from fsbench_meta_trained.embedded import Embedded
from fsbench_meta_trained.episodic import EpisodeTrained, MapConfig

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


@dataclass(frozen=True, kw_only=True)
class RelationConfig(MapConfig):
    """Parameters of ``relationnet``."""

    channels: int = setting(64, "channels of both convolutions of the relation module", at_least=1)
    hidden: int = setting(8, "units of its hidden layer", at_least=1)


class RelationNet(EpisodeTrained[RelationConfig]):
    """r_qn = g([c_n, f(q)]), trained by L = Σ (r_qn − [q of class n])².

    c_n is the mean of the support's maps, where the paper sums them: classes with more pictures then have maps of the
    same size.
    """

    name = "relationnet"
    summary = "trained on episodes, a learnt relation of the maps of query and class mean"
    reference = "Sung, Yang, Zhang, Xiang, Torr, Hospedales: Learning to Compare, CVPR 2018"

    def learnt_head(self, width: int) -> Module:
        """Returns g: two convolutions with batch norm, ReLU and max-pooling, and two affine maps."""
        from torch import nn

        c, (maps, height, breadth) = self.config, self.map_shape

        def block(entering: int) -> Module:
            pool = nn.MaxPool2d(2, ceil_mode=True)
            return nn.Sequential(
                nn.Conv2d(entering, c.channels, 3, padding=1), nn.BatchNorm2d(c.channels), nn.ReLU(), pool
            )

        cells = -(-height // 4) * -(-breadth // 4)
        last = nn.Sequential(nn.Linear(c.channels * cells, c.hidden), nn.ReLU(), nn.Linear(c.hidden, 1))
        return nn.Sequential(block(2 * maps), block(c.channels), nn.Flatten(), last)

    def logits(self, episodes: Embedded, learnt: Any) -> Tensor:
        """Returns the relation before its sigmoid."""
        import torch

        tasks, queries, ways = *episodes.query.shape[:2], episodes.support.shape[1]
        shape = tasks, queries, ways, *self.map_shape
        means = episodes.means().reshape(tasks, 1, ways, *self.map_shape).expand(shape)
        query = episodes.query.reshape(tasks, queries, 1, *self.map_shape).expand(shape)
        relation: Tensor = learnt(torch.cat([means, query], dim=3).flatten(0, 2))
        return relation.reshape(tasks, queries, ways)

    def loss(self, network: Module, batch: EpisodeBatch) -> Loss:
        """Returns the mean squared error of the relations, and the accuracy."""
        import torch

        relations = self.logits(*self.embedded(network, batch)).sigmoid()
        ways, queries = batch.query.shape[1:3]
        label = torch.arange(ways, device=relations.device).repeat_interleave(queries)
        wanted = torch.nn.functional.one_hot(label, ways).float().expand_as(relations)
        correct = (relations.detach().argmax(2) == label).float().mean()
        return (relations - wanted).square().mean(), {"accuracy": float(correct)}
