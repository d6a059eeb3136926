"""A trunk, its pooling and one linear layer, as one module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fewshot_bench.api import PretrainedEncoder, pool, seeded

if TYPE_CHECKING:
    from torch import Tensor, nn

BLOCK = 64
"""Pictures that go through the network at once when nothing is learnt."""


def classifier(encoder: PretrainedEncoder, ways: int, width: int, seed: int, *, trunk: bool) -> nn.Module:
    """Pictures ``[B, 3, S, S]`` uint8 -> logits ``[B, N]``; without ``trunk``, vectors ``[B, D]`` -> logits."""
    import torch
    from torch import nn

    linear = seeded(lambda: nn.Linear(width, ways), seed)
    nn.init.zeros_(linear.bias)
    if not trunk:
        return linear.to(encoder.device)

    class Classifier(nn.Module):
        """p(y | x) = softmax(W · pool(trunk(x)) + b)."""

        def __init__(self) -> None:
            super().__init__()
            self.trunk, self.linear = encoder.trunk, linear

        def forward(self, pictures: Tensor) -> Tensor:
            features = self.trunk(encoder.found.transform.normalise(pictures))
            logits: Tensor = self.linear(pool(features, encoder.pooling))
            return logits

    network: Any = Classifier()
    placed: nn.Module = network.to(encoder.device, memory_format=torch.channels_last)
    return placed
