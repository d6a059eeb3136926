"""What one step of the preset ``paper`` takes of a GPU's memory, counted without a GPU and without weights.

    python -m benchmarks.speed.memory [--pictures 128] [--freeze 0.5]

Forward, backward and optimiser step of ResNeXt-101 32x8d in bf16 run on tensors that have a size and no values;
every storage is counted from its making to its end. cuDNN's work space and fragmentation come on top.
"""

from __future__ import annotations

import argparse
import weakref
from types import SimpleNamespace
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from fewshot_bench.embed.lite0 import TRANSFORM
from fewshot_bench.embed.torchvision_guard import import_timm
from fewshot_bench.training.loop import training_mode
from fewshot_bench.training.losses import contrastive, hardest
from fewshot_bench.training.network import freeze, unit_vectors


class Count(TorchDispatchMode):
    """Bytes of all living storages, ``now`` and at the ``peak``."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self.known: weakref.WeakSet[Any] = weakref.WeakSet()

    def see(self, tensor: torch.Tensor) -> None:
        """Count the storage of a tensor, once, until it is freed."""
        storage = tensor.untyped_storage()
        if storage in self.known:
            return
        self.known.add(storage)
        self.now += storage.nbytes()
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self.freed, storage.nbytes())

    def freed(self, size: int) -> None:
        """A storage is gone."""
        self.now -= size

    def __torch_dispatch__(self, act: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Every operation passes here."""
        made = act(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, torch.Tensor):
                self.see(tensor)
        return made


def peak(pictures: int, share: float, *, checkpointing: bool) -> tuple[float, float]:
    """Gigabytes at the peak of two batches and a step, and of weights, average and optimiser alone."""
    with FakeTensorMode():
        network = import_timm().create_model("resnext101_32x8d", num_classes=0, global_pool="")
        freeze(network, share)
        network.set_grad_checkpointing(checkpointing)
        training_mode(network, frozen=True)
        optimizer = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad])
        average = [value.clone() for value in network.state_dict().values()]
        encoder: Any = SimpleNamespace(pooling="lca", found=SimpleNamespace(transform=TRANSFORM))
        count = Count()
        for tensor in (*network.parameters(), *network.buffers(), *average):
            count.see(tensor)
        with count:
            for _ in range(2):  # in the second one the gradients of the first are there
                with torch.autocast("cpu", torch.bfloat16):
                    first, second = unit_vectors(network, encoder, torch.rand(pictures, 3, 224, 224)).chunk(2)
                    same = torch.ones(len(first), dtype=torch.bool)
                    loss = hardest(contrastive(first, second, same, 1.2), 0.03)
                loss.backward()
                del first, second, loss
            optimizer.step()
            optimizer.zero_grad()
        return count.peak / 1e9, count.now / 1e9


def main() -> None:
    """Print both ways."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--pictures", type=int, default=128, help="of a batch: 128 are a student's, 64 a teacher's"
    )
    parser.add_argument("--freeze", type=float, default=0.5)
    options = parser.parse_args()
    for checkpointing in (True, False):
        most, kept = peak(options.pictures, options.freeze, checkpointing=checkpointing)
        how = "with" if checkpointing else "without"
        print(
            f"{options.pictures} pictures of 224 px, first {options.freeze:.0%} of the layers frozen, {how} "
            f"checkpointing: {most:.1f} GB at the peak, {kept:.1f} GB of them weights, average and optimiser"
        )


if __name__ == "__main__":
    main()
