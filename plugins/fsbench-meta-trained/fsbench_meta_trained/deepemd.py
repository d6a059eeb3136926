"""DeepEMD (Zhang et al. 2020): the cost of moving the cells of one map onto those of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fewshot_bench.api import setting, tunable
from fsbench_meta_trained.embedded import Embedded
from fsbench_meta_trained.episodic import EpisodeTrained, MapConfig

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class DeepEmdConfig(MapConfig):
    """Parameters of ``deepemd``."""

    pretrain_epochs: int = setting(20, "epochs of classification before the episodes; 0: none", at_least=0)
    scale: float = tunable(12.5, 1.0, 50.0, log=True, help="factor of the similarity", at_least=1e-6)


class DeepEmd(EpisodeTrained[DeepEmdConfig]):
    """s(q, n) = T Σ_ij cos(u_i, v_j) x̃_ij, x̃ the optimal flow of costs 1 − cos(u_i, v_j).

    u are the cells of the query and v those of the mean map of class n. Cell u_i has the weight max(u_i · mean(v), 0)
    and v_j likewise, each of sum 1. The flow is a linear programme's, solved by the library POT; in training it is
    taken as constant.
    """

    name = "deepemd"
    summary = "earth mover's distance between the maps of query and class mean"
    reference = "Zhang, Cai, Lin, Shen: DeepEMD, CVPR 2020"

    def logits(self, episodes: Embedded, learnt: Any) -> Tensor:
        """Returns T Σ_ij cos(u_i, v_j) x̃_ij."""
        import torch
        from torch.nn.functional import normalize

        u, v = self.cells(episodes.query), self.cells(episodes.means())
        near = torch.einsum("tqid,tnjd->tqnij", normalize(u, dim=3), normalize(v, dim=3))
        here = torch.einsum("tqid,tnd->tqni", u, v.mean(2)).clamp_min(0)
        there = torch.einsum("tnjd,tqd->tqnj", v, u.mean(2)).clamp_min(0)
        flow = torch.from_numpy(flows(*(x.detach().cpu().double().numpy() for x in (near, here, there))))
        return self.config.scale * (near * flow.to(near)).sum((3, 4))


def flows(
    near: np.ndarray[Any, Any], here: np.ndarray[Any, Any], there: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    """Returns the optimal flows ``[..., i, j]`` between weights ``here [..., i]`` and ``there [..., j]``.

    The costs are 1 − ``near``. Weights are scaled to sum 1; where all are 0, each counts the same.
    """
    import ot

    shape = near.shape
    near, here, there = (
        near.reshape(-1, *shape[-2:]),
        here.reshape(-1, shape[-2]),
        there.reshape(-1, shape[-1]),
    )
    found = np.empty_like(near)
    for number, (similar, a, b) in enumerate(zip(near, here + 1e-6, there + 1e-6, strict=True)):
        found[number] = ot.emd(a / a.sum(), b / b.sum(), 1 - similar)
    return found.reshape(shape)
