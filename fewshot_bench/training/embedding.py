"""Training an encoder: its network as a function to unit vectors, its frozen part, its score on episodes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.index import ImageIndex
from fewshot_bench.embed.pooling import pool
from fewshot_bench.embed.pretrained import PretrainedEncoder
from fewshot_bench.episodes import EpisodeSpec, sample
from fewshot_bench.errors import FsbenchError
from fewshot_bench.files import write_atomic
from fewshot_bench.metrics import accuracy_per_episode

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


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
    return normalize(pool(features.float(), encoder.pooling), dim=1)


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
        spec = EpisodeSpec("all", 1, 2, episodes, seed, drop_small=True)
        drawn = sample(index, spec)
        rows = drawn.images()
        self.encoder = encoder
        self.pictures = pictures(index, rows, encoder)
        self.tasks, self.labels = drawn.tasks(rows)

    def score(self, network: Module) -> float:
        """Accuracy of the nearest support picture by cosine."""
        import torch

        from fewshot_bench.heads.prototype import Prototype

        parts = np.array_split(self.pictures, -(-len(self.pictures) // 64))
        table = torch.cat([unit_vectors(network, self.encoder, torch.from_numpy(p) / 255) for p in parts])
        scores, _ = Prototype("cosine").scores(table.float(), self.tasks)
        return float(accuracy_per_episode(scores.cpu().numpy(), self.labels).mean())


def trained_encoder(encoder: PretrainedEncoder, checkpoint: Path) -> PretrainedEncoder:
    """The same encoder with the weights of a checkpoint; FsbenchError when there is no such file."""
    if not checkpoint.is_file():
        raise FsbenchError(
            f"There is no checkpoint {checkpoint}; name a .safetensors file that a training made."
        )
    return replace(encoder, weights=checkpoint)


def state_pretraining(checkpoint: Path, encoder: PretrainedEncoder, *datasets: str) -> None:
    """Say beside a checkpoint what its weights saw and how pictures enter, for whoever loads it."""
    transform = encoder.found.transform
    facts = {
        "pretraining": ", ".join([encoder.pretraining, *datasets]),
        "size": transform.size,
        "resize": transform.resize,
        "mean": list(transform.mean),
        "std": list(transform.std),
        "interpolation": transform.interpolation,
    }
    sidecar = checkpoint.with_name(f"{checkpoint.name}.json")
    write_atomic(sidecar, lambda stream: stream.write((json.dumps(facts, indent=2) + "\n").encode()))
