"""Multi-layer perceptrons of many episodes, trained at once: every array has the episodes in front."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Networks:
    """e networks of equal widths: layer l has ``weights[l] [e, in, out]`` and ``biases[l] [e, 1, out]``."""

    weights: list[Tensor]
    biases: list[Tensor]

    def logits(self, x: Tensor) -> Tensor:
        """Returns the logits of ``x [e, b, in]`` as ``[e, b, N]``: affine maps with max(·, 0) between them."""
        import torch

        for number, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, x.relu() if number else x, weight)
        return x


def initial(
    used: Sequence[int],
    width: int,
    variance: float,
    hidden: Sequence[int],
    ways: int,
    generators: Sequence[torch.Generator],
    device: torch.device,
) -> Networks:
    """Returns networks before training, each from a generator (on the CPU) of its own.

    Weights are normal. Their variance is ``variance`` in the first hidden layer and 2 / inputs in the others
    (He et al. 2015, eq. 10). In episode i the weights of the inputs from ``used[i]`` to ``width`` are 0. The
    last layer begins at 0, so that all classes are equally likely and neither their order nor padding changes
    anything. Biases begin at 0.
    """
    import torch

    weights, sizes = [], [width, *hidden]
    for layer, out in enumerate(hidden):
        weight = torch.zeros(len(used), sizes[layer], out)
        scale = (2 / sizes[layer] if layer else variance) ** 0.5
        for episode, generator in enumerate(generators):
            rows = sizes[layer] if layer else used[episode]
            weight[episode, :rows] = torch.randn(rows, out, generator=generator) * scale
        weights.append(weight.to(device))
    weights.append(torch.zeros(len(used), sizes[-1], ways, device=device))
    return Networks(weights, [torch.zeros(len(used), 1, w.shape[2], device=device) for w in weights])


def loss(networks: Networks, x: Tensor, label: Tensor, weight: Tensor, barrier: Tensor) -> Tensor:
    """Returns the cross-entropy of each network, Σ_b weight · −log p(label), as ``[e]``.

    The arguments are ``x [e, b, in]``, ``label [e, b]``, ``weight [e, b]`` (0 for padding) and ``barrier [e, 1,
    N]`` (−inf for padded classes, else 0).
    """
    log_p = (networks.logits(x) + barrier).log_softmax(2).gather(2, label.unsqueeze(2)).squeeze(2)
    return -(log_p.masked_fill(weight == 0, 0) * weight).sum(1)


Batch = tuple["Tensor", "Tensor", "Tensor"]
"""Inputs ``[e, b, in]``, labels ``[e, b]`` and weights ``[e, b]`` of one step."""


def train(networks: Networks, batches: Iterable[Batch], barrier: Tensor, lr: float) -> Tensor:
    """Takes a step of Adam (Kingma and Ba 2015) for each batch, in place, and returns the last losses ``[e]``.

    Adam and the loss treat every number for itself, so that no network sees another.
    """
    import torch

    parameters = [*networks.weights, *networks.biases]
    for parameter in parameters:
        parameter.requires_grad_()
    optimizer = torch.optim.Adam(parameters, lr=lr, fused=True)
    each = torch.zeros(len(barrier), device=barrier.device)
    with torch.enable_grad():
        for x, label, weight in batches:
            each = loss(networks, x, label, weight, barrier)
            optimizer.zero_grad()
            each.sum().backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    for parameter in parameters:
        parameter.requires_grad_(False)
    return each.detach()
