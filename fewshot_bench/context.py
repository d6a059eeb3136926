"""Context: what the engine lends a method. Device, private generator, folders, progress, encoders."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from fewshot_bench.errors import UsageError

if TYPE_CHECKING:
    from fewshot_bench.embed.encoder import Encoder


class Progress(Protocol):
    """Called as long work advances: what stage, how far, of how much, and what there is to say of it."""

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None:
        """``done`` of ``total`` steps of ``stage``; ``note`` is a few words (losses, images a second)."""


def silent(stage: str, done: int, total: int, note: str = "") -> None:
    """The progress of a run that nobody watches."""


@dataclass(frozen=True)
class Context:
    """Lent to ``Method.setup`` and ``Method.fit``; all randomness, devices and folders come from here."""

    device: str
    seed: int
    cache: Path
    progress: Progress = silent

    def generator(self, *purpose: str) -> np.random.Generator:
        """A private generator for a named purpose: the same for the same seed and name, whatever else ran."""
        digest = hashlib.sha256("\0".join(purpose).encode()).digest()
        words = np.frombuffer(digest, dtype=np.uint32)
        return np.random.default_rng([self.seed, *words.tolist()])

    def encoder(
        self,
        backbone: str = "efficientnet_lite0",
        *,
        pooling: str = "average",
        weights: str | None = None,
        fit: str | None = None,
        precision: str = "float32",
    ) -> Encoder:
        """A pretrained encoder by name (see ``fewshot_bench.embed``) on this context's device."""
        from fewshot_bench.embed import pretrained_encoder

        return pretrained_encoder(
            backbone,
            pooling=pooling,
            weights=weights,
            fit=fit,
            precision=precision,
            device=self.device,
            cache=self.cache,
        )


def choose_device(wanted: str) -> str:
    """``auto`` becomes ``cuda`` where there is a GPU, else ``cpu``; ``cuda`` without one is a UsageError."""
    if wanted == "cpu":
        return "cpu"
    if wanted not in ("auto", "cuda"):
        raise UsageError(f"--device must be auto, cpu or cuda, not {wanted!r}.")
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if wanted == "cuda":
        raise UsageError("--device cuda was asked for and torch sees no GPU here; use --device cpu.")
    return "cpu"
