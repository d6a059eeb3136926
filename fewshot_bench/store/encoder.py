"""Encoder: a picture becomes a vector. HOG, raw pixels, a CNN, a trained student: all are encoders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image


@runtime_checkable
class Encoder(Protocol):
    """The members that the engine needs of an encoder to cache and batch it.

    ``pretraining`` says what data its weights saw ("ImageNet-1k", "none", …), for the leaderboard. An encoder may
    also have ``name`` (what lists call it), and ``device``, ``backend`` and ``libraries``, which are part of the key
    of its vectors (see ``identity.embedding_facts``). With ``independent``, True where a vector is the same in any
    batch, batches are not filled up.
    """

    @property
    def pretraining(self) -> str:
        """The data the weights were trained on before this run; "none" where there are no weights."""
        ...

    def fingerprint(self) -> str:
        """Returns a hex digest of everything that the vectors depend on; does not build the network."""
        ...

    def prepare(self, image: Image) -> NDArray[Any]:
        """Returns the input array of one RGB picture; equal shape and type for all pictures. Thread-safe."""
        ...

    def encode(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Returns ``batch [B, …]`` of prepared pictures -> embeddings ``[B, D]``, evaluation mode."""
        ...


@runtime_checkable
class Composed(Encoder, Protocol):
    """An encoder that is another one and a cheap map behind it; only the embeddings of the other are kept on disk."""

    @property
    def inner(self) -> Encoder:
        """The encoder whose embeddings are kept."""
        ...

    def after(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the map: embeddings of the inner encoder ``[B, D]`` -> embeddings ``[B, D']``."""
        ...
