"""The network that is trained: an encoder's trunk, its pooling, affine maps and a learnt head, as one module."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from fewshot_bench.embed.pooling import pool
from fewshot_bench.embed.small import seeded
from fewshot_bench.embed.torch_encoder import TrunkEncoder
from fewshot_bench.training.precision import mixed

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor
    from torch.nn import Module

Output = Literal["none", "sigmoid", "unit"]
"""What the last map's values become: as they are, 1/(1 + exp(−x)), or a vector of length 1."""


class Projection(NamedTuple):
    """Affine maps after the pooled features, to ``widths`` one after the other, and the ``output`` of the last.

    Hidden maps are followed by a sigmoid. No width: the pooled features. ``widths`` None stands for the widths of a
    finished training, whatever they are.
    """

    widths: tuple[int, ...] | None
    output: Output = "none"


def make_network(
    encoder: TrunkEncoder,
    projection: Projection | None = None,
    seed: int = 0,
    *,
    precision: str = "float32",
    head: Callable[[int], Module] | None = None,
) -> Module:
    """Returns the network pictures ``[..., 3, S, S]`` -> embeddings ``[..., D]`` float32, to be trained.

    Pictures are bytes 0..255 (numpy or torch), or floats 0..1. The network has the parts ``trunk`` (a copy of the
    encoder's), ``maps`` and ``head`` (``head(D)``, None without one). Maps and head begin as torch draws them from
    ``seed``. In training the trunk computes in ``precision``. Everything after it computes in float32, since
    distances are small differences of large numbers.
    """
    import torch
    from torch import nn

    output = "none" if projection is None else projection.output

    class Network(nn.Module):
        """x -> maps(pool(trunk(x)))."""

        def __init__(self, trunk: nn.Module) -> None:
            super().__init__()
            self.trunk, self.maps = trunk, nn.ModuleList()
            self.head: nn.Module | None = None

        def features(self, images: Tensor | NDArray[np.uint8]) -> Tensor:
            """Pooled features ``[B, C]`` of pictures ``[B, 3, S, S]``."""
            device = next(self.trunk.parameters()).device
            x = (torch.from_numpy(images) if isinstance(images, np.ndarray) else images).to(device)
            x = x * 255 if x.is_floating_point() else x
            with mixed(str(device), precision if self.training else "float32"):
                maps = self.trunk(encoder.transform.normalise(x))
            with mixed(str(device), "float32"):
                return pool(maps.float(), encoder.pooling)

        def forward(self, images: Tensor | NDArray[np.uint8]) -> Tensor:
            vectors = self.features(images.reshape(-1, *images.shape[-3:]))
            with mixed(str(vectors.device), "float32"):
                for number, affine in enumerate(self.maps, start=1):
                    vectors = affine(vectors)
                    vectors = vectors.sigmoid() if number < len(self.maps) else vectors
                if output == "unit":
                    vectors = nn.functional.normalize(vectors, dim=1)
                vectors = vectors.sigmoid() if output == "sigmoid" else vectors
            return vectors.reshape(*images.shape[:-3], -1)

    network = Network(encoder.own().trunk)
    widths: Sequence[int] = () if projection is None or projection.widths is None else projection.widths
    if not widths and head is None:
        return network
    size = encoder.transform.size
    with torch.no_grad():
        width = network.features(torch.zeros(1, 3, size, size, dtype=torch.uint8)).shape[1]
    sizes = [width, *widths]

    def drawn() -> nn.ModuleList:
        return nn.ModuleList(map(nn.Linear, sizes[:-1], sizes[1:]))

    network.maps = seeded(drawn, seed).to(encoder.device)
    if head is not None:
        made = head
        network.head = seeded(lambda: made(sizes[-1]), seed).to(encoder.device)
    return network


def freeze(network: Module, share: float) -> None:
    """Keeps the first ``share`` (0..1) of the network's layers with weights as they are."""
    layers = [m for m in network.modules() if any(True for _ in m.parameters(recurse=False))]
    matrices = [m for m in layers if any(p.ndim > 1 for p in m.parameters(recurse=False))]
    frozen = round(share * len(matrices))
    last = layers.index(matrices[frozen]) if frozen < len(matrices) else len(layers)
    for number, layer in enumerate(layers):
        for parameter in layer.parameters(recurse=False):
            parameter.requires_grad_(number >= last)


def unit_vectors(trunk: Module, encoder: TrunkEncoder, batch: Tensor) -> Tensor:
    """Returns embeddings of length 1, ``[B, D]`` float32, of pictures ``[B, 3, S, S]`` in 0..1 by a trunk."""
    from torch.nn.functional import normalize

    device = next(trunk.parameters()).device
    features = trunk(encoder.transform.normalise(batch.to(device) * 255))
    with mixed(str(device), "float32"):
        return normalize(pool(features.float(), encoder.pooling), dim=1)


def save_memory(network: Module) -> None:
    """Lets blocks of the trunk be computed again on the way back instead of being kept, where it can do so."""
    checkpointing: Any = getattr(network.get_submodule("trunk"), "set_grad_checkpointing", None)
    if checkpointing is not None:
        checkpointing(True)
