"""PretrainedEncoder: a network by name, its own input transform, and a pooling, as an Encoder."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.embed.backbones import DEFAULT, Backbone, find_backbone
from fewshot_bench.embed.exported import Exported, exported, wanted_backend
from fewshot_bench.embed.own_file import KINDS
from fewshot_bench.embed.pooling import check_pooling, pool
from fewshot_bench.embed.small import LEAST_SIZE
from fewshot_bench.embed.transforms import DEFAULT_VIEW, InputTransform, View
from fewshot_bench.errors import UsageError
from fewshot_bench.store.memo import Memo

if TYPE_CHECKING:
    from typing import Self

    from PIL.Image import Image
    from torch import Tensor, nn

PRECISIONS = ("float32", "bf16")

VERSION = 2
"""Part of the fingerprint; it is raised whenever the same weights and picture give another vector."""

LIBRARIES = ("numpy", "pillow", "timm", "torch", "torchvision")
"""Distributions whose version may change a vector: they decode, resize and compute."""


@dataclass(frozen=True, eq=False)
class PretrainedEncoder:
    """A network up to its last feature map, pooled to one vector; built when it first encodes.

    Parameters
    ----------
    backbone : ``efficientnet_lite0``, a torchvision name, ``torchvision:NAME``, ``timm:NAME``, a file
        ``PATH.onnx``, ``PATH.pt`` or ``PATH.ts`` of one's own (see ``own_file``), or a network from scratch:
        ``conv4``, ``conv4-32``, ``resnet12`` (see ``small``).
    pooling : ``average``, ``lca``, ``lca-window`` or ``flatten`` (see ``pooling``).
    weights : a ``.pth`` or ``.safetensors`` file to load instead of the published weights.
    view : how a picture that is not square enters: ``pad``, ``crop``, ``stretch`` or ``both`` (see ``transforms``).
    size : side of the input in pixels; None: the one that the weights were trained for.
    device : ``cpu`` or ``cuda``.
    precision : ``float32``, or ``bf16``: the network computes in bfloat16, which is faster where the processor
        has it, and pooling in float32; vectors differ by 3 % (median).
    cache : folder in which digests of files are remembered; None: nowhere.
    pretrained : False for a torchvision network with weights drawn at random.
    seed : draws the weights of a network without pretraining; says nothing where there are weights.
    frozen : False for an encoder whose trunk is trained, which torch computes (see ``backend``).
    """

    backbone: str = DEFAULT
    pooling: str = "average"
    weights: Path | None = None
    view: View = DEFAULT_VIEW
    size: int | None = None
    device: str = "cpu"
    precision: str = "float32"
    cache: Path | None = None
    pretrained: bool = True
    seed: int = 0
    frozen: bool = True

    def __post_init__(self) -> None:
        check_pooling(self.pooling)
        if self.precision not in PRECISIONS:
            raise UsageError(f"Precision is one of {', '.join(PRECISIONS)}, not {self.precision!r}.")

    @cached_property
    def found(self) -> Backbone:
        """Network, weights and input, found out without building the network."""
        memo = Memo(None if self.cache is None else self.cache / "weights.json")
        backbone = find_backbone(
            self.backbone, self.weights, memo, pretrained=self.pretrained, seed=self.seed
        )
        if backbone.library in KINDS.values() and (self.precision != "float32" or not self.frozen):
            raise UsageError(
                f"The network in the file {self.backbone} is frozen, and computes in float32: it is no start of a "
                "training, and takes no other precision."
            )
        transform = backbone.transform.at(self.size or backbone.transform.size, self.view)
        if backbone.library == "small" and transform.size < LEAST_SIZE:
            raise UsageError(f"{self.backbone} takes pictures from {LEAST_SIZE} px, not {transform.size} px.")
        return replace(backbone, transform=transform)

    @property
    def transform(self) -> InputTransform:
        """How a picture becomes the input of the network."""
        return self.found.transform

    @property
    def loaded(self) -> Path | None:
        """The file that the weights are loaded from, named or published."""
        return self.found.weights

    @cached_property
    def map_shape(self) -> tuple[int, ...]:
        """The shape ``(C, h, w)`` of the feature map of a picture."""
        return shape_of_map(self.trunk, self.transform, self.device)

    @cached_property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of a vector before it was made flat: ``(C, h, w)`` for the pooling ``flatten``, else ``(D,)``."""
        return rows_of_map(self.map_shape, self.pooling)

    @cached_property
    def backend(self) -> str:
        """The library that computes the vectors: ``onnxruntime`` where it agrees with torch, else ``torch``.

        It is torch for bf16, for the small networks from scratch, for a trunk that is trained, without a cache that
        could keep the export, and where ``FSBENCH_BACKEND`` says so. The export is made when this is first asked.
        """
        return "torch" if self.exported is None and self.found.library != "onnx" else "onnxruntime"

    @property
    def independent(self) -> bool:
        """Whether a vector is the same in any batch, so that none has to be filled up."""
        return self.backend == "onnxruntime"

    @property
    def libraries(self) -> tuple[str, ...]:
        """Distributions whose version may change a vector."""
        return LIBRARIES if self.backend == "torch" else tuple(sorted((*LIBRARIES, "onnxruntime")))

    @cached_property
    def exported(self) -> Exported | None:
        """The network in ONNX Runtime; None where torch computes."""
        if not self.frozen or self.cache is None or self.device != "cpu" or self.precision != "float32":
            return None
        if wanted_backend() == "torch" or self.found.library in ("small", *KINDS.values()):
            return None
        return exported(
            self.name,
            self.fingerprint(),
            self.transform.shape,
            self.cache / "exported",
            lambda: Whole(self.own()),
        )

    def own(self) -> Self:
        """Returns the same encoder, which builds a network of its own that can be trained."""
        return replace(self, frozen=False)

    def changed(
        self, *, size: int | None = None, view: View | None = None, weights: Path | None = None
    ) -> Self:
        """Returns the encoder at another size or view, or with other weights."""
        return replace(self, size=size or self.size, view=view or self.view, weights=weights or self.weights)

    @cached_property
    def trunk(self) -> nn.Module:
        """The network ``[B, 3, S, S] -> [B, C, h, w]`` on the device, in evaluation mode."""
        import torch

        from fewshot_bench.embed.trunks import build_trunk

        network: Any = build_trunk(self.found)
        trunk: nn.Module = network.to(self.device, memory_format=torch.channels_last)
        return trunk

    @property
    def name(self) -> str:
        """What lists call it: "efficientnet_lite0, average, pad 224px"."""
        transform = self.found.transform
        network = Path(self.backbone).name if self.found.library in KINDS.values() else self.backbone
        network = network if self.pretrained else f"{self.backbone} without pretraining"
        parts = [network, self.pooling, f"{transform.view} {transform.size}px"]
        parts += [self.precision] if self.precision != "float32" else []
        parts += [self.weights.name] if self.weights is not None else []
        return ", ".join(parts)

    @property
    def pretraining(self) -> str:
        """The data that the weights saw."""
        return self.found.pretraining

    def fingerprint(self) -> str:
        """Returns sha256 (hex) of weights, network, input transform, pooling and precision."""
        found = self.found
        parts = [
            VERSION,
            f"{found.library}:{found.model}",
            found.identity,
            asdict(found.transform),
            self.pooling,
            self.precision,
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def prepare(self, image: Image) -> NDArray[np.uint8]:
        """Returns ``[3, S, S]``, or ``[2, 3, S, S]`` for ``both``; the device does the rest, a batch at a time."""
        return self.found.transform.prepare(image)

    def encode(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Encodes ``[B, 3, S, S]``, or ``[B, 2, 3, S, S]`` for ``both``, to ``[B, C]``; no TF32 on a GPU."""
        if self.exported is not None:
            return self.exported(batch)
        return encode_batch(self.trunk, self.transform, self.pooling, batch, self.device, self.precision)


class Whole:
    """An encoder as one function of prepared pictures, with the trunk that computes it."""

    def __init__(self, encoder: PretrainedEncoder) -> None:
        self.trunk, self.transform, self.pooling = encoder.trunk, encoder.transform, encoder.pooling

    def __call__(self, pictures: Tensor) -> Tensor:
        return embed(self.trunk, self.transform, self.pooling, pictures)


def encode_batch(
    trunk: nn.Module,
    transform: InputTransform,
    pooling: str,
    batch: NDArray[Any],
    device: str,
    precision: str = "float32",
) -> NDArray[np.float32]:
    """Encodes prepared pictures by a trunk that was built outside of inference mode, so that it can be trained."""
    import torch

    bf16 = torch.autocast(torch.device(device).type, torch.bfloat16, enabled=precision == "bf16")
    exact = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
    with torch.inference_mode(), bf16, exact:
        pictures = torch.from_numpy(batch).to(device)
        vectors: NDArray[np.float32] = embed(trunk, transform, pooling, pictures).cpu().numpy()
    return vectors


def shape_of_map(trunk: nn.Module, transform: InputTransform, device: str) -> tuple[int, ...]:
    """Returns the shape of what a trunk makes of one picture."""
    import torch

    with torch.no_grad():
        empty = torch.zeros(1, 3, transform.size, transform.size, device=device)
        return tuple(trunk(transform.normalise(empty)).shape[1:])


def rows_of_map(shape: tuple[int, ...], pooling: str) -> tuple[int, ...]:
    """Returns the shape of what a pooling makes of a map ``(C, h, w)`` or a vector ``(D,)``."""
    return shape if pooling == "flatten" else shape[:1]


def embed(trunk: nn.Module, transform: InputTransform, pooling: str, pictures: Tensor) -> Tensor:
    """Vectors ``[B, D]`` float32 of prepared pictures ``[B, *transform.shape]`` on the trunk's device.

    For the view ``both`` it is p/‖p‖ + c/‖c‖, with p and c the vectors of the padded and of the cropped view.
    """
    from torch.nn.functional import normalize

    squares = pictures.reshape(-1, 3, *pictures.shape[-2:])
    vectors = pool(trunk(transform.normalise(squares)), pooling)
    if transform.view == "both":
        return normalize(vectors.view(len(pictures), 2, -1), dim=2).sum(dim=1)
    return vectors


def pretrained_encoder(
    backbone: str = DEFAULT,
    *,
    pooling: str = "average",
    weights: str | Path | None = None,
    view: str | None = None,
    size: int | None = None,
    precision: str = "float32",
    device: str = "cpu",
    cache: Path | None = None,
    pretrained: bool = True,
    seed: int = 0,
) -> PretrainedEncoder:
    """Returns a ``PretrainedEncoder`` from texts as a command line has them; None is the default everywhere."""
    return PretrainedEncoder(
        backbone=backbone,
        pooling=pooling,
        weights=None if weights is None else Path(weights).expanduser(),
        view=DEFAULT_VIEW if view is None else cast(View, view),
        size=size,
        device=device,
        precision=precision,
        cache=cache,
        pretrained=pretrained,
        seed=seed,
    )
