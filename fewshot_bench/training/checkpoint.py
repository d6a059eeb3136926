"""Checkpoints: safetensors files with the state of a training, so that it goes on to the same result."""

from __future__ import annotations

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

PARTS = ("network", "average", "optimizer")


@dataclass
class Checkpoint:
    """Where a training stands after ``epoch`` whole epochs, and its tensors by name."""

    epoch: int = 0
    best: float | None = None
    best_epoch: int = 0
    finished: bool = False
    tensors: dict[str, Tensor] = field(default_factory=dict, repr=False)

    def keep(
        self,
        optimizer: Optimizer,
        trained: Mapping[str, Tensor],
        average: Mapping[str, Tensor],
        network: Module,
    ) -> None:
        """Take the tensors of a training into ``tensors``."""
        self.tensors = {f"network/{k}": v for k, v in network.state_dict().items()}
        self.tensors |= {f"average/{k}": v for k, v in average.items()}
        for name, parameter in trained.items():
            for key, value in optimizer.state[parameter].items():
                self.tensors[f"optimizer/{key}/{name}"] = value

    def restore(
        self,
        network: Module,
        optimizer: Optimizer,
        trained: Mapping[str, Tensor],
        average: Mapping[str, Tensor],
    ) -> None:
        """Put the tensors back; the opposite of ``keep``."""
        own = {k.removeprefix("network/"): v for k, v in self.tensors.items() if k.startswith("network/")}
        network.load_state_dict(own)
        for name, value in average.items():
            value.copy_(self.tensors[f"average/{name}"])
        for name, parameter in trained.items():
            optimizer.state[parameter] = {
                key: self.tensors[f"optimizer/{key}/{name}"].to(parameter.device if key != "step" else "cpu")
                for key in ("step", "exp_avg", "exp_avg_sq")
            }


def save_checkpoint(path: Path, state: Checkpoint, tensors: dict[str, Tensor]) -> None:
    """Write ``tensors`` and the numbers of ``state`` to a safetensors file, atomically."""
    from safetensors.torch import save

    numbers = {
        "epoch": state.epoch,
        "best": state.best,
        "best_epoch": state.best_epoch,
        "finished": state.finished,
    }
    data = save(
        {k: v.detach().contiguous().cpu() for k, v in tensors.items()}, {"state": json.dumps(numbers)}
    )
    write_atomic(path, lambda stream: stream.write(data))


def load_checkpoint(path: Path) -> Checkpoint | None:
    """The checkpoint at ``path``, None where there is none; FsbenchError for a file that is damaged."""
    if not path.exists():
        return None
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as stored:
            numbers = json.loads((stored.metadata() or {})["state"])
            tensors = {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise FsbenchError(
            f"The checkpoint {path} cannot be read ({error}); remove it to train from the start."
        ) from error
    return Checkpoint(**numbers, tensors=tensors)
