"""Projections: affine maps after the pooled features, trained together with the trunk and kept beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.index import ImageIndex
from fewshot_bench.embed.pooling import pool
from fewshot_bench.embed.pretrained import PretrainedEncoder
from fewshot_bench.embed.small import seeded
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.files import write_atomic
from fewshot_bench.training.checkpoint import load_checkpoint
from fewshot_bench.training.embedding import export, trained_encoder

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor
    from torch.nn import Module

Output = Literal["none", "sigmoid", "unit"]
"""What the last map's values become: as they are, 1/(1 + exp(−x)), or a vector of length 1."""

FILE = "projection.safetensors"
"""Beside ``trunk.safetensors``, which remains one that any ``weights`` parameter takes."""


def projected(encoder: PretrainedEncoder, widths: Sequence[int], output: Output, seed: int) -> Module:
    """The network bytes ``[B, 3, S, S]`` -> ``[B, D]`` float32, to be trained: trunk, pooling, maps to ``widths``.

    Hidden maps are followed by a sigmoid. No width: the pooled features. The trunk is a copy of the encoder's;
    the maps begin as torch draws them from ``seed``, and are worked out in float32 where the trunk is in bf16:
    distances between sigmoids are small differences.
    """
    import torch
    from torch import nn

    class Projected(nn.Module):
        """The encoder's trunk with the maps after it."""

        def __init__(self, trunk: nn.Module, maps: nn.ModuleList) -> None:
            super().__init__()
            self.trunk, self.maps = trunk, maps

        def features(self, images: Tensor) -> Tensor:
            """Pooled features ``[B, C]`` of bytes."""
            return pool(self.trunk(encoder.found.transform.normalise(images)), encoder.pooling)

        def forward(self, images: Tensor) -> Tensor:
            vectors = self.features(images).float()
            with torch.autocast(vectors.device.type, enabled=False):
                for number, affine in enumerate(self.maps, start=1):
                    vectors = affine(vectors)
                    vectors = vectors.sigmoid() if number < len(self.maps) else vectors
                if output == "unit":
                    return nn.functional.normalize(vectors, dim=1)
                return vectors.sigmoid() if output == "sigmoid" else vectors

    size = encoder.found.transform.size
    network = Projected(replace(encoder).trunk, nn.ModuleList())  # a copy of the encoder builds its own trunk
    with torch.no_grad():
        width = network.features(torch.zeros(1, 3, size, size, device=encoder.device)).shape[1]
    sizes = [width, *widths]
    network.maps = seeded(lambda: nn.ModuleList(map(nn.Linear, sizes[:-1], sizes[1:])), seed).to(
        encoder.device
    )
    return network


@dataclass(frozen=True, eq=False)
class ProjectedEncoder:
    """An encoder and what ``projected`` has after it: ``maps`` as (matrix [D', D], offset [D']), ``output``."""

    inner: PretrainedEncoder
    maps: tuple[tuple[NDArray[np.float32], NDArray[np.float32]], ...] = field(repr=False)
    output: Output

    @property
    def name(self) -> str:
        """What lists call it."""
        widths = " → ".join(str(len(offset)) for _, offset in self.maps) or "as they are"
        return f"{self.inner.name}, projected: {widths}, output {self.output}"

    @property
    def pretraining(self) -> str:
        """What both saw."""
        return self.inner.pretraining

    @property
    def weights(self) -> Path | None:
        """The trunk's file."""
        return self.inner.weights

    def fingerprint(self) -> str:
        """sha256 (hex) of the inner encoder, the maps and the output."""
        sha = hashlib.sha256(f"{self.inner.fingerprint()} projected {self.output}".encode())
        for array in (array for affine in self.maps for array in affine):
            sha.update(f"{array.shape}".encode() + np.ascontiguousarray(array, dtype="<f4").tobytes())
        return sha.hexdigest()

    def prepare(self, image: Image) -> NDArray[np.uint8]:
        """As the inner encoder."""
        return self.inner.prepare(image)

    def encode(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """``[B, 3, S, S]`` -> ``[B, D']``; FsbenchError for maps of features of another network or pooling."""
        vectors = self.inner.encode(batch)
        for number, (matrix, offset) in enumerate(self.maps, start=1):
            if vectors.shape[1] != matrix.shape[1]:
                raise FsbenchError(
                    f"The projection beside {self.weights} maps {matrix.shape[1]} values and "
                    f"{self.inner.name} gives {vectors.shape[1]}; take the backbone and pooling it was trained with."
                )
            vectors = vectors @ matrix.T + offset
            vectors = sigmoid(vectors) if number < len(self.maps) else vectors
        if self.output == "unit":
            lengths: NDArray[np.float32] = np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)
            return np.asarray(vectors / lengths)
        return sigmoid(vectors) if self.output == "sigmoid" else vectors


def sigmoid(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """1/(1 + exp(−x)) without overflow."""
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * x), dtype=np.float32)


def export_projected(
    folder: Path,
    best: Path,
    encoder: PretrainedEncoder,
    output: Output,
    *datasets: str,
    shown: Sequence[ImageIndex] = (),
) -> Path:
    """Write the best weights of a ``projected`` network as projection and trunk; returns the trunk, written last."""
    from safetensors.torch import save

    checkpoint = load_checkpoint(best)
    if checkpoint is None:
        raise FsbenchError(f"There is no checkpoint {best}; remove its folder to train again.")
    parts: dict[str, dict[str, Tensor]] = {"trunk": {}, "maps": {}}
    for key, value in checkpoint.tensors.items():
        part, _, name = key.partition(".")
        parts[part][name] = value
    maps = save(parts["maps"], {"output": output})
    write_atomic(folder / FILE, lambda stream: stream.write(maps))
    return export(folder, save(parts["trunk"]), encoder, *datasets, shown=shown)


def projected_encoder(
    encoder: PretrainedEncoder, trunk: Path, widths: Sequence[int] | None, output: Output
) -> ProjectedEncoder:
    """The encoder of a training that ended with ``export_projected``; ``widths`` None: whatever they are.

    Raises FsbenchError when its files are missing or damaged, and UsageError when its projection has other
    widths or another output than those asked for.
    """
    from safetensors import SafetensorError, safe_open

    inner, path = trained_encoder(encoder, trunk), trunk.with_name(FILE)
    if not path.is_file():
        raise FsbenchError(
            f"There is no projection {path} beside the trunk; name another trunk, or train again."
        )
    try:
        with safe_open(path, framework="numpy") as stored:
            found = (stored.metadata() or {})["output"]
            count = len(stored.keys()) // 2
            maps = tuple(
                (stored.get_tensor(f"{i}.weight"), stored.get_tensor(f"{i}.bias")) for i in range(count)
            )
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise FsbenchError(f"The projection {path} cannot be read ({error}); train again.") from error
    has = ([len(offset) for _, offset in maps], found)
    asked = has[0] if widths is None else list(widths)
    if has != (asked, output) or found not in get_args(Output):
        raise UsageError(
            f"The projection {path} has widths {has[0]} and output {found}, and {asked} and {output} were "
            "asked for; ask for what it has, or name another trunk."
        )
    return ProjectedEncoder(inner, maps, output)
