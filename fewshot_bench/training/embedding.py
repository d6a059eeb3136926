"""Training an encoder: its network as a function to unit vectors, its frozen part, its score on episodes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.index import QUERY, ImageIndex
from fewshot_bench.embed.pooling import pool
from fewshot_bench.embed.pretrained import PretrainedEncoder
from fewshot_bench.episodes import EpisodeSpec, sample
from fewshot_bench.errors import FsbenchError
from fewshot_bench.files import write_atomic
from fewshot_bench.metrics import accuracy_per_episode
from fewshot_bench.training.seen import seen_file, write_seen

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor
    from torch.nn import Module


TRUNK = "trunk.safetensors"
"""The best weights of a training, written last: a folder that holds it holds a finished training."""


def pictures(index: ImageIndex, rows: NDArray[np.int64], encoder: PretrainedEncoder) -> NDArray[np.uint8]:
    """Pictures as the encoder takes them, ``[B, 3, S, S]``; one that is asked for twice is read once."""
    unique, inverse = np.unique(rows, return_inverse=True)
    return np.stack([encoder.prepare(index.reader(int(row))) for row in unique])[inverse]


def unit_vectors(network: Module, encoder: PretrainedEncoder, batch: Tensor) -> Tensor:
    """``batch [B, 3, S, S]`` in 0..1 -> embeddings of length 1, ``[B, D]`` float32, by the encoder's trunk."""
    import torch
    from torch.nn.functional import normalize

    device = next(network.parameters()).device
    scaled = encoder.found.transform.normalise(batch.to(device) * 255)
    features = network(scaled.contiguous(memory_format=torch.channels_last))
    return normalize(pool(features.float(), encoder.pooling).float(), dim=1)


def freeze(network: Module, share: float) -> None:
    """Keep the first ``share`` (0..1) of the network's layers with weights as they are."""
    layers = [m for m in network.modules() if any(True for _ in m.parameters(recurse=False))]
    matrices = [m for m in layers if any(p.ndim > 1 for p in m.parameters(recurse=False))]
    frozen = round(share * len(matrices))
    last = layers.index(matrices[frozen]) if frozen < len(matrices) else len(layers)
    for number, layer in enumerate(layers):
        for parameter in layer.parameters(recurse=False):
            parameter.requires_grad_(number >= last)


class Validation:
    """1-shot episodes of all validation classes, each picture read once; ``score`` is the accuracy (0..1)."""

    def __init__(
        self, index: ImageIndex, encoder: PretrainedEncoder, *, episodes: int = 5, seed: int = 0
    ) -> None:
        queries = np.bincount(index.labels[index.pools & QUERY > 0], minlength=len(index.class_names))
        spec = EpisodeSpec("all", 1, int(np.clip(queries.min() - 1, 1, 5)), episodes, seed, drop_small=True)
        drawn = sample(index, spec)
        rows = drawn.images()
        self.pictures = pictures(index, rows, encoder)
        self.tasks, self.labels = drawn.tasks(rows)

    def score(self, vectors: Callable[[Tensor], Tensor]) -> float:
        """Accuracy of the nearest support picture by cosine; ``vectors``: pictures in 0..1 -> ``[B, D]``."""
        import torch

        from fewshot_bench.heads.prototype import Prototype

        parts = np.array_split(self.pictures, -(-len(self.pictures) // 64))
        table = torch.cat([vectors(torch.from_numpy(part) / 255) for part in parts])
        scores, _ = Prototype("cosine").scores(table.float(), self.tasks)
        return float(accuracy_per_episode(scores.cpu().numpy(), self.labels).mean())


@dataclass(frozen=True, eq=False)
class LinearEncoder:
    """An encoder followed by x -> W x + b.

    ``matrix`` [D', D], ``offset`` [D'], ``pretraining``: what both saw.
    """

    inner: PretrainedEncoder
    matrix: NDArray[np.float32] = field(repr=False)
    offset: NDArray[np.float32] = field(repr=False)
    pretraining: str

    @property
    def name(self) -> str:
        """What lists call it."""
        return f"{self.inner.name}, linear"

    @property
    def weights(self) -> Path | None:
        """The inner encoder's file."""
        return self.inner.weights

    def fingerprint(self) -> str:
        """sha256 (hex) of the inner encoder and the map."""
        sha = hashlib.sha256(self.inner.fingerprint().encode())
        for array in (self.matrix, self.offset):
            sha.update(np.ascontiguousarray(array, dtype="<f4").tobytes())
        return sha.hexdigest()

    def prepare(self, image: Image) -> NDArray[np.uint8]:
        """As the inner encoder."""
        return self.inner.prepare(image)

    def encode(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """``[B, 3, S, S]`` -> ``[B, D']``."""
        return self.after(self.inner.encode(batch))

    def after(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """``[B, D]`` -> ``[B, D']``."""
        return vectors @ self.matrix.T + self.offset


def export(
    folder: Path,
    best: Path | bytes,
    encoder: PretrainedEncoder,
    *datasets: str,
    shown: Sequence[ImageIndex] = (),
) -> Path:
    """Write the best weights as a file that any ``weights`` parameter takes; returns its path.

    ``best`` is a safetensors file, or the bytes of one. Beside ``trunk.safetensors`` stands what the weights
    saw and how pictures enter: ``datasets`` in words, ``shown`` (every picture of the training) by content, so
    that none of them is evaluated later.
    """
    trunk = folder / TRUNK
    if shown:
        write_seen(trunk, shown, start=encoder.found.weights)
    transform = asdict(encoder.found.transform)
    facts = {key: transform[key] for key in ("size", "resize", "mean", "std", "interpolation")}
    facts["pretraining"] = ", ".join(what for what in (encoder.pretraining, *datasets) if what != "none")
    text = json.dumps(facts, indent=2) + "\n"
    write_atomic(folder / f"{trunk.name}.json", lambda stream: stream.write(text.encode()))
    data = best if isinstance(best, bytes) else best.read_bytes()
    write_atomic(trunk, lambda stream: stream.write(data))
    return trunk


def exported(folder: Path) -> Path | None:
    """The trunk of a finished training, None where it is not there with the list of what it saw."""
    trunk = folder / TRUNK
    return trunk if trunk.is_file() and seen_file(trunk).is_file() else None


def trained_encoder(encoder: PretrainedEncoder, weights: Path) -> PretrainedEncoder:
    """The encoder with the weights of a training; FsbenchError when there is no such file."""
    if not weights.is_file():
        raise FsbenchError(
            f"There is no checkpoint {weights}; name a trunk.safetensors that a training wrote."
        )
    return replace(encoder, weights=weights)
