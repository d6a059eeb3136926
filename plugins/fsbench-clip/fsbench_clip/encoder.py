"""ClipEncoder: CLIP's tower of pictures as an encoder of unit vectors."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fsbench_clip.network import ClipNetwork

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, eq=False)
class ClipEncoder:
    """Encodes a picture as its vector of unit length in the space of pictures and texts.

    The view ``both`` gives the unit vector of the sum of the two views' unit vectors.
    """

    clip: ClipNetwork

    @property
    def name(self) -> str:
        """The name that lists show."""
        transform = self.clip.transform
        return f"open_clip {self.clip.weights.name}, {transform.view} {transform.size}px"

    @property
    def device(self) -> str:
        """The device that computes."""
        return self.clip.device

    @property
    def pretraining(self) -> str:
        """The data that the weights saw."""
        return self.clip.pretraining

    @property
    def libraries(self) -> tuple[str, ...]:
        """Distributions whose version may change a vector."""
        return ("numpy", "open_clip_torch", "pillow", "timm", "torch")

    def fingerprint(self) -> str:
        """Returns the sha256 (hex) of the weights, the settings, the input and open_clip's version."""
        try:
            made = version("open_clip_torch")
        except PackageNotFoundError:
            made = ""
        parts = ["fsbench-clip-1", made, self.clip.fingerprint, asdict(self.clip.transform)]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def prepare(self, image: Image) -> NDArray[np.uint8]:
        """Returns ``[3, S, S]``, or ``[2, 3, S, S]`` for the view ``both``."""
        return self.clip.transform.prepare(image)

    def encode(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Returns unit vectors ``[B, D]`` of prepared pictures."""
        import torch
        from torch.nn.functional import normalize

        with torch.inference_mode():
            pictures = torch.from_numpy(batch).to(self.clip.device)
            squares = pictures.reshape(-1, 3, *pictures.shape[-2:])
            each = normalize(
                self.clip.network.encode_image(self.clip.transform.normalise(squares)).float(), dim=1
            )
            views = each.view(len(pictures), -1, each.shape[1]).sum(1)
            found: NDArray[np.float32] = normalize(views, dim=1).cpu().numpy()
        return found
