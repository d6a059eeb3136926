"""Export: the best weights of a training as files that any ``weights`` parameter takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from fewshot_bench.data.index import ImageIndex
from fewshot_bench.embed.small import seeded
from fewshot_bench.embed.torch_encoder import TrunkEncoder
from fewshot_bench.embed.weights import read_state
from fewshot_bench.errors import FsbenchError
from fewshot_bench.files import write_atomic
from fewshot_bench.training.checkpoint import write_tensors
from fewshot_bench.training.seen import seen_file, write_seen

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

Own = TypeVar("Own", bound=TrunkEncoder)

TRUNK = "trunk.safetensors"
"""The trunk of a training in its folder."""

HEAD = "head.safetensors"
"""The learnt head beside a trunk."""

WEIGHTS = "weights.safetensors"
"""The weights of a training of a whole network that is no trunk."""


def export_trunk(
    folder: Path,
    trunk: Mapping[str, Tensor],
    encoder: TrunkEncoder,
    saw: Iterable[str],
    shown: Sequence[ImageIndex],
    starts: Sequence[Path | None] = (),
) -> list[str]:
    """Writes the tensors of a trunk, and what they saw, to ``folder``; returns the names of the files.

    Beside ``trunk.safetensors`` stand a JSON file (how pictures enter, ``saw``: what the weights saw, in words) and
    a list of every picture of the training by content (``shown``, and what the weights ``starts`` had seen), so
    that none of them is evaluated later.
    """
    path = folder / TRUNK
    write_seen(path, shown, start=[start for start in starts if start is not None])
    transform = asdict(encoder.transform)
    facts = {key: transform[key] for key in ("size", "resize", "mean", "std", "interpolation")}
    words = [word for text in saw for word in text.split(", ")]
    facts["pretraining"] = ", ".join(dict.fromkeys(word for word in words if word != "none"))
    text = json.dumps(facts, indent=2) + "\n"
    sidecar = path.with_name(f"{path.name}.json")
    write_atomic(sidecar, lambda stream: stream.write(text.encode()))
    write_tensors(path, trunk)
    return [path.name, sidecar.name, seen_file(path).name]


def trained_encoder(encoder: Own, weights: Path) -> Own:
    """Returns the encoder with the weights of a training; FsbenchError when there is no such file."""
    if not weights.is_file():
        raise FsbenchError(
            f"There is no checkpoint {weights}; name a trunk.safetensors that a training wrote."
        )
    return encoder.changed(weights=weights)


def export_head(folder: Path, tensors: Mapping[str, Tensor], width: int) -> str:
    """Writes the tensors of a learnt head for embeddings of ``width`` values; returns the file's name."""
    write_tensors(folder / HEAD, tensors, {"width": str(width)})
    return HEAD


def load_head(trunk: Path, make: Callable[[int], Module | None]) -> Module | None:
    """Returns the learnt head beside a trunk, ``make(width)`` with its tensors; FsbenchError where it is not there.

    Returns None where ``make`` does: the method needs no head in evaluation.
    """
    from safetensors import SafetensorError, safe_open

    path = trunk.with_name(HEAD)
    try:
        with safe_open(path, framework="pt") as stored:
            width = int((stored.metadata() or {})["width"])
            head = seeded(lambda: make(width), 0)
            if head is None:
                return None
            head.load_state_dict({key: stored.get_tensor(key) for key in stored.keys()})  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise FsbenchError(
            f"The learnt head {path} cannot be read ({error}); name another trunk, or train again."
        ) from error
    return head.eval()


def export_weights(folder: Path, tensors: Mapping[str, Tensor], shown: Sequence[ImageIndex]) -> list[str]:
    """Writes the weights of a whole network and the list of what they saw; returns the names of the files."""
    path = folder / WEIGHTS
    write_seen(path, shown)
    return [write_weights(folder, tensors), seen_file(path).name]


def write_weights(folder: Path, tensors: Mapping[str, Tensor]) -> str:
    """Writes the weights of a whole network; returns the file's name."""
    write_tensors(folder / WEIGHTS, tensors)
    return WEIGHTS


def load_weights(path: Path, network: Module) -> Module:
    """Returns ``network`` with the weights of a file; FsbenchError where they cannot be read or do not fit."""
    network.load_state_dict(read_state(path))
    return network
