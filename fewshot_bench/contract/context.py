"""Context: what the engine lends a method. Device, private generator, folders, progress, encoders."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.errors import UsageError
from fewshot_bench.progress import Progress, silent

if TYPE_CHECKING:
    from fewshot_bench.data.index import ImageIndex
    from fewshot_bench.embed.pretrained import PretrainedEncoder
    from fewshot_bench.store.encoder import Encoder
    from fewshot_bench.store.mapped import Mapped


HUGE_PAGES = "THP_MEM_ALLOC_ENABLE"
"""Environment variable by which torch asks Linux for large pages of memory, before it first allocates any.

A training step takes about a fourth less time with them (38 and 50 pictures a second on two cores). No number depends
on it.
"""


@dataclass(frozen=True)
class Context:
    """Lent to ``Method.setup`` and ``Method.fit``; all randomness, devices and folders come from here.

    ``seed`` is the training seed: initial weights, batches and validation are drawn from it. Episodes of the
    evaluation have a seed of their own.
    """

    device: str
    seed: int
    cache: Path
    progress: Progress = silent

    def generator(self, *purpose: str) -> np.random.Generator:
        """Returns a private generator for a named purpose: the same for the same seed and name, whatever else ran."""
        digest = hashlib.sha256("\0".join(purpose).encode()).digest()
        words = np.frombuffer(digest, dtype=np.uint32)
        return np.random.default_rng([self.seed, *words.tolist()])

    def folder(self, kind: str, key: str) -> Path:
        """Returns the folder of the training ``kind`` (a word) with ``key`` (see ``identity.key``).

        Sets the date of the folder, so that ``fsbench cache prune`` knows when it was last used.
        """
        path = self.cache / "checkpoints" / f"{kind}-{key[:16]}"
        with suppress(OSError):
            os.utime(path)
        return path

    def embed(self, encoder: Encoder, index: ImageIndex, *, dtype: str = "float32") -> NDArray[Any]:
        """Embeddings ``[len(index), D]`` of all pictures of an index, from the cache: each encoded once."""
        return self.mapped(encoder, index, dtype=dtype)[:]

    def mapped(self, encoder: Encoder, index: ImageIndex, *, dtype: str = "float32") -> Mapped:
        """Returns the same left on disk, for millions of pictures: ``found[rows]`` reads the vectors of ``rows``."""
        from fewshot_bench.store.cache import EmbeddingCache

        def progress(done: int, total: int) -> None:
            self.progress("embed", done, total)

        cache = EmbeddingCache(self.cache / "embeddings")
        return cache.mapped(encoder, index, np.arange(len(index)), progress=progress, dtype=dtype)  # type: ignore[arg-type]

    def encoder(
        self,
        backbone: str = "efficientnet_lite0",
        *,
        pooling: str = "average",
        weights: str | None = None,
        view: str | None = None,
        size: int | None = None,
        precision: str = "float32",
        pretrained: bool = True,
    ) -> PretrainedEncoder:
        """Returns an encoder by name (see ``fewshot_bench.embed``) on this context's device.

        Networks without pretraining get their weights from this context's seed.
        """
        from fewshot_bench.embed import pretrained_encoder

        return pretrained_encoder(
            backbone,
            pooling=pooling,
            weights=weights,
            view=view,
            size=size,
            precision=precision,
            device=self.device,
            cache=self.cache,
            pretrained=pretrained,
            seed=self.seed,
        )


def choose_device(wanted: str) -> str:
    """Returns ``auto`` becomes ``cuda`` where there is a GPU, else ``cpu``; ``cuda`` without one is a UsageError."""
    os.environ.setdefault(HUGE_PAGES, "1")
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
