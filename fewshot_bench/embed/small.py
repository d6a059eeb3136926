"""Networks that are trained from scratch: Conv4 and ResNet-12, modules ``[B, 3, S, S] -> [B, C, h, w]``.

Their initial weights are a pure function of a seed; no random number of the process is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from fewshot_bench.embed.transforms import InputTransform
from fewshot_bench.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor, nn

Made = TypeVar("Made")

NAMES = ("conv4", "resnet12")
"""Names of the networks; ``conv4-32`` is a Conv4 of 32 channels."""

LEAST_SIZE = 16
"""Side in pixels that is left with one cell by four halvings."""

SCRATCH = InputTransform(size=84, resize=96, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
"""Input of a network without pretraining: 84 px as on miniImageNet, mean and deviation of ImageNet's pixels."""

INITIAL = 1
"""Part of the identity of initial weights: to be raised whenever a seed gives other ones."""


def small_name(name: str) -> str | None:
    """Returns the full name of a network of this file (``conv4`` is ``conv4-64``), None where it is none of them.

    Raises UsageError for a Conv4 without a channel.
    """
    if name == "resnet12":
        return name
    if match := re.fullmatch(r"conv4(?:-(\d{1,4}))?", name):
        channels = int(match[1] or 64)
        if not channels:
            raise UsageError("A conv4 has at least one channel: conv4-CHANNELS, such as conv4-32.")
        return f"conv4-{channels}"
    return None


def build_small(model: str) -> nn.Module:
    """Returns the network of a full name (see ``small_name``), with weights drawn by the process's generator."""
    return resnet12() if model == "resnet12" else conv4(int(model.removeprefix("conv4-")))


def seeded(make: Callable[[], Made], seed: int) -> Made:
    """Returns ``make()`` with the CPU generator of torch set to ``seed``, and afterwards as it was."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return make()


def conv4(channels: int = 64) -> nn.Module:
    """Returns four blocks of convolution 3×3, batch norm, ReLU and max-pooling 2×2; C = ``channels``.

    Vinyals et al.: Matching networks for one shot learning, 2016; Snell et al. 2017. At 84 px the map is 5×5,
    at 28 px 1×1.
    """
    from torch import nn

    def block(entering: int) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(entering, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU(), nn.MaxPool2d(2)
        )

    return nn.Sequential(block(3), *(block(channels) for _ in range(3)))


def resnet12(widths: tuple[int, ...] = (64, 160, 320, 640)) -> nn.Module:
    """Returns four residual blocks of three convolutions, each followed by max-pooling 2×2; C = 640.

    Lee et al.: Meta-learning with differentiable convex optimization, 2019, after Oreshkin et al. (TADAM),
    2018; without DropBlock.
    """
    from torch import nn

    class Block(nn.Module):
        """x -> pool(act(three convolutions of x + one of 1×1))."""

        def __init__(self, entering: int, width: int) -> None:
            super().__init__()
            layers: list[nn.Module] = []
            for channels in (entering, width, width):
                layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)]
                layers += [nn.LeakyReLU(0.1)]
            self.residual = nn.Sequential(*layers[:-1])
            self.shortcut = nn.Sequential(nn.Conv2d(entering, width, 1, bias=False), nn.BatchNorm2d(width))
            self.end = nn.Sequential(nn.LeakyReLU(0.1), nn.MaxPool2d(2))

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.end(self.residual(x) + self.shortcut(x))
            return out

    network = nn.Sequential(*(Block(*pair) for pair in zip((3, *widths[:-1]), widths, strict=True)))
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, a=0.1, mode="fan_out", nonlinearity="leaky_relu")
    return network
