"""PT-MAP (Hu, Gripon, Pateux 2020): power transform, and class means under a balanced transport plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from fewshot_bench.api import Context, setting, tunable
from fsbench_heads.joint import FrozenConfig, FrozenMethod, Joint, JointHead

if TYPE_CHECKING:
    from torch import Tensor

EPSILON = 1e-6
"""Added to each feature before its power, and the largest error of a plan's row sums."""

SINKHORN_ROUNDS = 1000
"""The largest number of rounds of one plan."""


@dataclass(frozen=True)
class Transport(JointHead):
    """Moves means by α towards the means under the plan, which gives each class as many queries.

    Embeddings are z ← (relu z + ε)^β, of unit length, and with ``centre`` less the mean of their own side, support or
    queries, and of unit length again.
    """

    rounds: int = 20
    rate: float = 0.2
    sharpness: float = 10.0
    power: float = 0.5
    centre: bool = True
    normalize: bool = True

    def prepare(self, table: Tensor) -> Tensor:
        """Returns the power transform of each row of ``table [M, D]``."""
        return (table.clamp_min(0) + EPSILON).pow(self.power)

    def solve(self, joint: Joint) -> Tensor:
        """Returns the logarithm of the plan, ``[e, Q, N]``."""
        import torch

        s = joint.supports
        if self.centre:
            sides = [joint.known(), joint.asked]
            own = [torch.einsum("es,et->est", x, x / x.sum(1, keepdim=True).clamp_min(1)) for x in sides]
            by = torch.zeros_like(joint.gram)
            by[:, :s, :s], by[:, s:, s:] = -own[0], -own[1]
            joint = joint.moved(by).normalized()
        means = joint.means()
        scale = joint.classes.double()
        for _ in range(self.rounds):
            plan, scale = self.plan(joint, means, scale)
            means = means + self.rate * (joint.combine(joint.one_hot, plan.exp()) - means)
        return self.plan(joint, means, scale)[0]

    def plan(self, joint: Joint, means: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the logarithm of the plan ``[e, Q, N]`` and the scales of classes ``[e, N]``.

        The largest entry of each row of the kernel exp(−λ d²) is 1, so that distances of at most 4 underflow nowhere.
        """

        log = joint.bar(-self.sharpness * joint.squared(means)[:, joint.supports :])
        log = log - log.amax(2, keepdim=True)
        kernel = log.exp() * joint.asked.unsqueeze(2)
        asked, share = joint.asked.unsqueeze(2), joint.classes.double().unsqueeze(2)
        share = share * joint.asked.sum(1)[:, None, None] / share.sum(1, keepdim=True).clamp_min(1)
        column = balanced(kernel, asked, share, scale.unsqueeze(2))
        row = asked / (kernel @ column).clamp_min(1e-300)
        return log + row.clamp_min(1e-300).log() + column.clamp_min(1e-300).log().mT, column.squeeze(2)


def balanced(kernel: Tensor, rows: Tensor, columns: Tensor, scale: Tensor) -> Tensor:
    """Returns the scales of columns ``[e, N, 1]`` with which rows and columns of the plan have their sums.

    ``kernel [e, Q, N]``, sums of ``rows [e, Q, 1]`` and of ``columns [e, N, 1]``; ``scale [e, N, 1]`` is where
    Sinkhorn's rounds begin. An episode ends at its own round: it does not wait for those beside it.
    """
    import torch

    found, index = scale.clone(), torch.arange(len(scale), device=scale.device)
    product = kernel @ scale
    moving = torch.ones_like(scale[:, :1], dtype=torch.bool)
    for _ in range(SINKHORN_ROUNDS):
        row = rows / product.clamp_min(1e-300)
        scale = torch.where(moving, columns / (kernel.mT @ row).clamp_min(1e-300), scale)
        product = kernel @ scale
        moving &= (product * row - rows).abs().amax((1, 2), keepdim=True) >= EPSILON
        left = int(moving.sum())
        if not left:
            break
        if 2 * left <= len(index):
            found[index], keep = scale, moving.flatten()
            index, kernel, rows, columns, scale, product, moving = (
                part[keep] for part in (index, kernel, rows, columns, scale, product, moving)
            )
    found[index] = scale
    return found


@dataclass(frozen=True, kw_only=True)
class PtMapConfig(FrozenConfig):
    """Parameters of ``pt-map``."""

    rounds: int = setting(20, "moves of the means", at_least=0)
    rate: float = tunable(0.2, 0.05, 1.0, help="share α of each move", at_least=0, at_most=1)
    sharpness: float = tunable(10.0, 1.0, 100.0, log=True, help="λ of the plan", at_least=0, at_most=150)
    power: float = tunable(0.5, 0.1, 1.0, help="power β of each feature", at_least=0)
    centre: bool = setting(True, "subtract the mean of the support, and that of the queries")


class PtMap(FrozenMethod[PtMapConfig]):
    """Optimal transport of queries to classes of equal size; it takes queries to be balanced."""

    name = "pt-map"
    summary = "frozen ImageNet embeddings, power transform, balanced optimal transport to class means"
    reference = "Hu, Gripon, Pateux: Leveraging the Feature Distribution in Transfer-based FSL, 2020"
    transductive = True
    expected_failures: ClassVar[Mapping[str, str]] = {
        "query-balance": "takes each class to have equally many queries, as its paper does"
    }

    def setup(self, context: Context) -> None:
        """Sets the transport on the frozen embeddings."""
        super().setup(context)
        c = self.config
        self.head = Transport(c.rounds, c.rate, c.sharpness, c.power, c.centre)
