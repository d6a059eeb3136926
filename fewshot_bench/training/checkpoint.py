"""Checkpoints: safetensors files with the state of a training and a checksum, so that it goes on to the same result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fewshot_bench.errors import FsbenchError
from fewshot_bench.files import write_atomic

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module
    from torch.optim import Optimizer

ON_CPU = {"step"}
"""Values of an optimiser that torch keeps on the CPU whatever the device of the weights."""


@dataclass
class Checkpoint:
    """The state of a training after ``epoch`` whole epochs, and its tensors by name.

    ``log`` is the digest of the log's lines so far (``log_digest``); "" where it is not known.
    """

    epoch: int = 0
    best: float | None = None
    best_epoch: int = 0
    finished: bool = False
    log: str = ""
    tensors: dict[str, Tensor] = field(default_factory=dict, repr=False)

    def keep(
        self,
        optimizer: Optimizer,
        trained: Mapping[str, Tensor],
        average: Mapping[str, Tensor],
        network: Module,
    ) -> None:
        """Takes the tensors of a training into ``tensors``."""
        import torch

        self.tensors = {f"network/{k}": v for k, v in network.state_dict().items()}
        self.tensors |= {f"average/{k}": v for k, v in average.items()}
        for name, parameter in trained.items():
            for key, value in optimizer.state[parameter].items():
                if isinstance(value, torch.Tensor):
                    self.tensors[f"optimizer/{key}/{name}"] = value
                elif isinstance(value, int | float):
                    self.tensors[f"number/{key}/{name}"] = torch.tensor(
                        value, dtype=torch.float64 if isinstance(value, float) else torch.int64
                    )
                elif value is not None:
                    raise FsbenchError(unkept(optimizer, key, value))
        for group in optimizer.param_groups:
            for key, value in group.items():
                if key in optimizer.defaults and key != "lr" and value != optimizer.defaults[key]:
                    raise FsbenchError(unkept(optimizer, key, value))

    def restore(
        self,
        network: Module,
        optimizer: Optimizer,
        trained: Mapping[str, Tensor],
        average: Mapping[str, Tensor],
    ) -> None:
        """Puts the tensors back; the opposite of ``keep``."""
        own = {k.removeprefix("network/"): v for k, v in self.tensors.items() if k.startswith("network/")}
        network.load_state_dict(own)
        for name, value in average.items():
            value.copy_(self.tensors[f"average/{name}"])
        for full, tensor in self.tensors.items():
            if full.startswith("optimizer/"):
                _, key, name = full.split("/", 2)
                parameter = trained[name]
                device = "cpu" if key in ON_CPU else parameter.device
                optimizer.state[parameter][key] = tensor.to(device)
            elif full.startswith("number/"):
                _, key, name = full.split("/", 2)
                optimizer.state[trained[name]][key] = tensor.item()


def unkept(optimizer: Optimizer, key: str, value: object) -> str:
    """Returns the sentence for a part of an optimiser's state that a checkpoint cannot hold."""
    return (
        f"The optimiser {type(optimizer).__name__} keeps {key} = {value!r}, which no checkpoint can hold, so that an "
        "interrupted training would not go on as it was; take an optimiser whose state is tensors and numbers of "
        "each parameter."
    )


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Writes tensors to a safetensors file, atomically."""
    from safetensors.torch import save

    data = save({k: v.detach().contiguous().cpu() for k, v in tensors.items()}, metadata)
    write_atomic(path, lambda stream: stream.write(data))


def save_checkpoint(path: Path, state: Checkpoint, tensors: dict[str, Tensor]) -> None:
    """Writes ``tensors``, the numbers of ``state`` and the checksum of both to a safetensors file, atomically."""
    numbers = {
        "epoch": state.epoch,
        "best": state.best,
        "best_epoch": state.best_epoch,
        "finished": state.finished,
        "log": state.log,
    }
    plain = {k: v.detach().contiguous().cpu() for k, v in tensors.items()}
    text = json.dumps(numbers)
    write_tensors(path, plain, {"state": text, "sha256": checksum(text, plain)})


def load_checkpoint(path: Path) -> Checkpoint | None:
    """Returns the checkpoint at ``path``, None where there is none.

    Raises FsbenchError for a file that cannot be read or whose checksum is not that of its content.
    """
    if not path.exists():
        return None
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as stored:
            metadata = stored.metadata() or {}
            tensors = {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118
        state = Checkpoint(**json.loads(metadata["state"]), tensors=tensors)
        if metadata["sha256"] != checksum(metadata["state"], tensors):
            raise ValueError("its checksum is not that of its content")
    except (OSError, SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise FsbenchError(
            f"The checkpoint {path} is damaged and cannot be read ({error}); remove its folder to train from the start."
        ) from error
    return state


def checksum(text: str, tensors: Mapping[str, Tensor]) -> str:
    """Returns the sha256 (hex) of a text and of the names, types, shapes and bytes of tensors on the CPU."""
    import torch

    sha = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        value = tensors[name]
        sha.update(f"\0{name} {value.dtype} {list(value.shape)}\0".encode())
        sha.update(value.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return sha.hexdigest()
