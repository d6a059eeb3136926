"""Projections: affine maps after the pooled features, kept beside the trunk that they were trained with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.embed.torch_encoder import TrunkEncoder
from fewshot_bench.errors import FsbenchError, UsageError
from fewshot_bench.training.checkpoint import write_tensors
from fewshot_bench.training.export import Own, trained_encoder
from fewshot_bench.training.network import Output, Projection

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

FILE = "projection.safetensors"
"""Beside ``trunk.safetensors``, which remains one that any ``weights`` parameter takes."""


@dataclass(frozen=True, eq=False)
class ProjectedEncoder:
    """A trunk's encoder and the maps after it: ``maps`` as (matrix [D', D], offset [D']), and their ``output``."""

    inner: TrunkEncoder
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
        """Returns sha256 (hex) of the inner encoder, the maps and the output."""
        sha = hashlib.sha256(f"{self.inner.fingerprint()} projected {self.output}".encode())
        for array in (array for affine in self.maps for array in affine):
            sha.update(f"{array.shape}".encode() + np.ascontiguousarray(array, dtype="<f4").tobytes())
        return sha.hexdigest()

    def prepare(self, image: Image) -> NDArray[np.uint8]:
        """Returns what the inner encoder prepares."""
        return self.inner.prepare(image)

    @cached_property
    def one(self) -> TrunkEncoder:
        """The inner encoder of a single view."""
        return single_view(self.inner)

    def encode(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Returns ``[B, 3, S, S]`` -> ``[B, D']``; of both views ``[B, 2, 3, S, S]``, the sum of their unit vectors.

        Raises FsbenchError for maps of features of another network or pooling.
        """
        if self.one is self.inner:
            return self._projected(self.inner.encode(batch))
        vectors = self._projected(self.one.encode(batch.reshape(-1, *batch.shape[2:])))
        return np.asarray(unit(vectors).reshape(len(batch), 2, -1).sum(axis=1))

    def _projected(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Pooled features ``[B, D]`` -> ``[B, D']``."""
        for number, (matrix, offset) in enumerate(self.maps, start=1):
            if vectors.shape[1] != matrix.shape[1]:
                raise FsbenchError(
                    f"The projection beside {self.weights} maps {matrix.shape[1]} values and "
                    f"{self.inner.name} gives {vectors.shape[1]}; take the backbone and pooling it was trained with."
                )
            vectors = vectors @ matrix.T + offset
            vectors = sigmoid(vectors) if number < len(self.maps) else vectors
        if self.output == "unit":
            return unit(vectors)
        return sigmoid(vectors) if self.output == "sigmoid" else vectors


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors ``[B, D]`` scaled to length 1."""
    lengths: NDArray[np.float32] = np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)
    return np.asarray(vectors / lengths)


def single_view(encoder: Own) -> Own:
    """Returns the encoder itself, or that of the padded picture where it encodes both views: a training takes one."""
    return encoder.changed(view="pad") if encoder.view == "both" else encoder


def sigmoid(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns 1/(1 + exp(−x)) without overflow."""
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * x), dtype=np.float32)


def write_projection(folder: Path, maps: Mapping[str, Tensor], output: Output) -> None:
    """Writes the tensors of the maps (``0.weight``, ``0.bias``, …) and their output beside a trunk."""
    write_tensors(folder / FILE, maps, {"output": output})


def projected_encoder(encoder: TrunkEncoder, trunk: Path, asked: Projection) -> ProjectedEncoder:
    """Returns the encoder of a finished training with a projection.

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
    widths = tuple(len(offset) for _, offset in maps)
    wanted = widths if asked.widths is None else asked.widths
    if (widths, found) != (wanted, asked.output):
        raise UsageError(
            f"The projection {path} has widths {list(widths)} and output {found}, and {list(wanted)} and "
            f"{asked.output} were asked for; ask for what it has, or name another trunk."
        )
    return ProjectedEncoder(inner, maps, asked.output)
