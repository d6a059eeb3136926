"""The inner loop: gradient descent on the support set, which the outer loop differentiates through."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

Params = dict[str, "Tensor"]
"""Weights by name."""


def adapt(
    params: Params, loss: Callable[[Params], Tensor], *, steps: int, lr: float, second_order: bool
) -> Params:
    """Returns θ after ``steps`` times θ ← θ − α ∇L(θ), α = ``lr`` (Finn et al. 2017, eq. 1).

    ``second_order`` False takes the gradients as constants (section 5.2): ∂θ'/∂θ = 1.
    Works inside ``torch.func`` transforms and below ``torch.no_grad``.
    """
    from torch.func import grad

    gradient = grad(loss)
    for _ in range(steps):
        if second_order:
            slope = gradient(params)
        else:
            slope = {k: g.detach() for k, g in gradient({k: p.detach() for k, p in params.items()}).items()}
        params = {k: p - lr * slope[k] for k, p in params.items()}
    return params
