"""FRN (Wertheimer, Tang, Hariharan 2021): a query's map is rebuilt from the maps of a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fewshot_bench.api import EpisodeBatch, Loss, episode_loss, tunable
from fsbench_meta_trained.embedded import Embedded
from fsbench_meta_trained.episodic import EpisodeTrained, MapConfig

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


@dataclass(frozen=True, kw_only=True)
class FrnConfig(MapConfig):
    """Parameters of ``frn``."""

    scale: float = tunable(10.0, 1.0, 100.0, log=True, help="factor γ before training", at_least=1e-6)
    auxiliary: float = tunable(
        0.03, 0.0, 0.3, help="weight of the loss that keeps the maps of classes apart", at_least=0
    )


class Frn(EpisodeTrained[FrnConfig]):
    """p(y = n | q) ∝ exp(−γ ‖Q − Q̄_n‖² / r), Q̄_n = ρ Q S_nᵀ(S_n S_nᵀ + λI)⁻¹ S_n.

    Q are the r cells of a query with d values, S_n all cells of the support of class n, k r of them, λ = (k r / d) e^α
    and ρ = e^β; α, β and γ are learnt.
    """

    name = "frn"
    summary = "trained on episodes, the maps of queries rebuilt from those of each class"
    reference = "Wertheimer, Tang, Hariharan: Feature Map Reconstruction Networks, CVPR 2021"

    def learnt_head(self, width: int) -> Module:
        """Returns α, β and γ."""
        import torch
        from torch import nn

        start = {"alpha": 0.0, "beta": 0.0, "scale": self.config.scale}
        return nn.ParameterDict({name: nn.Parameter(torch.tensor(value)) for name, value in start.items()})

    def logits(self, episodes: Embedded, learnt: Any) -> Tensor:
        """Returns −γ ‖Q − Q̄_n‖² / r; cells are divided by √d first."""
        pool, query = (self.cells(x) / self.map_shape[0] ** 0.5 for x in (episodes.support, episodes.query))
        cells, width = query.shape[2:]
        penalty = learnt["alpha"].exp() * (episodes.present.sum(2) * cells / width)
        error = rebuilt(pool.flatten(2, 3), query.flatten(1, 2), penalty, learnt["beta"].exp())
        error = error.reshape(*error.shape[:2], -1, cells).sum(3)
        found: Tensor = -learnt["scale"] * error.mT / cells
        return found

    def loss(self, network: Module, batch: EpisodeBatch) -> Loss:
        """Returns the loss of the episode, and w · mean (s_i · s_j)² over unit cells s of two classes.

        The paper has the sum in place of the mean, which grows with the classes and cells of an episode.
        """
        from torch.nn.functional import normalize

        episodes, learnt = self.embedded(network, batch)
        loss, numbers = episode_loss(self.logits(episodes, learnt))
        cells = normalize(self.cells(episodes.support), dim=4).flatten(2, 3)
        ways, size = cells.shape[1:3]
        among = (cells.flatten(1, 2) @ cells.flatten(1, 2).mT).square().sum((1, 2))
        within = (cells @ cells.mT).square().sum((1, 2, 3))
        apart = (among - within) / (ways * (ways - 1) * size**2)
        return loss + self.config.auxiliary * apart.mean(), numbers


def rebuilt(pool: Tensor, query: Tensor, penalty: Tensor, scale: Tensor) -> Tensor:
    """Returns the squared error of each cell's reconstruction, ``[T, N, Q·r]``.

    ``pool [T, N, S, d]`` are the cells of each class (0 for padding), ``query [T, Q·r, d]``, ``penalty [T, N]`` λ and
    ``scale`` ρ. It solves for d × d matrices, where S S ᵀ may be larger: Sᵀ(SSᵀ + λI)⁻¹S = (SᵀS + λI)⁻¹SᵀS.
    """
    import torch

    identity = torch.eye(pool.shape[3], device=pool.device)
    product = pool.mT @ pool
    hat = torch.linalg.solve(product + penalty.clamp_min(1e-6)[:, :, None, None] * identity, product)
    error: Tensor = query.unsqueeze(1) - scale * (query.unsqueeze(1) @ hat)
    return error.square().sum(3)
