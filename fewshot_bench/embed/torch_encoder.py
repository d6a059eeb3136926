"""TorchEncoder: any torch module as an encoder, frozen or trained. TrunkEncoder: what a training needs of either."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.embed.pooling import check_pooling
from fewshot_bench.embed.pretrained import LIBRARIES, encode_batch, rows_of_map, shape_of_map
from fewshot_bench.embed.transforms import InputTransform, View
from fewshot_bench.embed.weights import read_state, weights_facts
from fewshot_bench.errors import FsbenchError
from fewshot_bench.store.encoder import Encoder

if TYPE_CHECKING:
    from typing import Self

    from PIL.Image import Image
    from torch.nn import Module


class TrunkEncoder(Encoder, Protocol):
    """An encoder that can be trained: an input transform, a network (the trunk) and a pooling behind it."""

    @property
    def name(self) -> str:
        """What lists call it."""
        ...

    @property
    def transform(self) -> InputTransform:
        """How a picture becomes the input of the trunk."""
        ...

    @property
    def view(self) -> View:
        """How a picture that is not square enters."""
        ...

    @property
    def pooling(self) -> str:
        """How a feature map becomes a vector."""
        ...

    @property
    def device(self) -> str:
        """Where it computes."""
        ...

    @property
    def trunk(self) -> Module:
        """The network on the device, in evaluation mode."""
        ...

    @property
    def map_shape(self) -> tuple[int, ...]:
        """The shape of what the trunk makes of a picture: ``(C, h, w)`` of a feature map, ``(D,)`` of a vector."""
        ...

    @property
    def weights(self) -> Path | None:
        """The file of weights that was named or trained."""
        ...

    @property
    def loaded(self) -> Path | None:
        """The file that the weights are loaded from, named or published; None where there is none."""
        ...

    def own(self) -> Self:
        """Returns the same encoder with a trunk of its own, to be trained."""
        ...

    def changed(
        self, *, size: int | None = None, view: View | None = None, weights: Path | None = None
    ) -> Self:
        """Returns the encoder at another size or view, or with the weights that a training wrote."""
        ...


@dataclass(frozen=True, eq=False)
class TorchEncoder:
    """A torch module as an encoder, to be frozen, or trained where ``TrainedMethod.start`` returns it.

    Parameters
    ----------
    module : pictures ``[B, 3, S, S]`` as the transform normalises them -> feature maps ``[B, C, h, w]`` or vectors
        ``[B, D]``. It is copied before it is used, and stays as it is. Its weights are part of the fingerprint.
    transform : how a picture becomes the input, ``InputTransform(size=84, resize=92, mean=…, std=…)``.
    identity : a name of the module's code, ``my-net 1``; to be changed whenever the same weights and picture give
        another vector.
    pooling : of a feature map: ``average``, ``lca``, ``lca-window`` or ``flatten``; vectors stay as they are.
    pretraining : the data that the weights saw; "none" for weights drawn at random.
    device : ``cpu`` or ``cuda``: ``context.device``.
    weights : a file of weights of the module, loaded in place of its own.
    """

    libraries: ClassVar[tuple[str, ...]] = LIBRARIES
    backend: ClassVar[str] = "torch"

    module: Module = field(repr=False)
    transform: InputTransform
    identity: str
    pooling: str = "average"
    pretraining: str = "none"
    device: str = "cpu"
    weights: Path | None = None

    def __post_init__(self) -> None:
        check_pooling(self.pooling)

    @property
    def name(self) -> str:
        """What lists call it: "my-net 1, average, pad 84px"."""
        parts = [self.identity, self.pooling, f"{self.view} {self.transform.size}px"]
        return ", ".join([*parts, *([self.weights.name] if self.weights is not None else [])])

    @property
    def view(self) -> View:
        """How a picture that is not square enters."""
        return self.transform.view

    @property
    def loaded(self) -> Path | None:
        """The file of weights."""
        return self.weights

    @cached_property
    def trunk(self) -> Module:
        """A copy of the module on the device, in evaluation mode; FsbenchError where the weights do not fit it."""
        trunk = copy.deepcopy(self.module)
        if self.weights is not None:
            try:
                trunk.load_state_dict(read_state(self.weights))
            except RuntimeError as error:
                reason = " ".join(str(error).split())
                raise FsbenchError(
                    f"The weights {self.weights} are not those of {self.identity} ({reason})."
                ) from error
        return trunk.to(self.device).eval()

    @cached_property
    def map_shape(self) -> tuple[int, ...]:
        """The shape of what the module makes of a picture: ``(C, h, w)``, or ``(D,)``."""
        return shape_of_map(self.trunk, self.transform, self.device)

    @cached_property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of a vector before it was made flat: ``(C, h, w)`` for the pooling ``flatten``, else ``(D,)``."""
        return rows_of_map(self.map_shape, self.pooling)

    @cached_property
    def _content(self) -> str:
        if self.weights is not None:
            with self.weights.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        return state_digest(self.module)

    def fingerprint(self) -> str:
        """Returns sha256 (hex) of the identity, the weights, the transform and the pooling."""
        parts = ["torch-encoder-1", self.identity, self._content, asdict(self.transform), self.pooling]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def prepare(self, image: Image) -> NDArray[np.uint8]:
        """Returns ``[3, S, S]``, or ``[2, 3, S, S]`` for the view ``both``."""
        return self.transform.prepare(image)

    def encode(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Encodes ``[B, 3, S, S]``, or ``[B, 2, 3, S, S]`` for the view ``both``, to ``[B, D]``."""
        return encode_batch(self.trunk, self.transform, self.pooling, batch, self.device)

    def own(self) -> Self:
        """Returns the same encoder, whose trunk is a copy of its own."""
        return replace(self)

    def changed(
        self, *, size: int | None = None, view: View | None = None, weights: Path | None = None
    ) -> Self:
        """Returns the encoder at another size or view, or with the weights that a training wrote."""
        transform = self.transform.at(size or self.transform.size, view or self.view)
        if weights is None:
            return replace(self, transform=transform)
        saw = weights_facts(weights, "").get("pretraining", f"file {weights.name}")
        return replace(self, transform=transform, weights=weights, pretraining=saw)


def state_digest(module: Module) -> str:
    """Returns sha256 (hex) of the names, types, shapes and values of a module's parameters and buffers."""
    import torch

    sha = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        sha.update(f"\0{name} {value.dtype} {list(value.shape)}\0".encode())
        sha.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return sha.hexdigest()
