"""The batches that a network is trained on: the whole support, or passes over it in a random order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import TYPE_CHECKING

from fewshot_bench.heads.inputs import Inputs
from fewshot_bench.heads.network import Batch

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def batches(
    inputs: Inputs, label: Tensor, counts: list[int], generators: Sequence[torch.Generator], size: int
) -> Iterator[Batch]:
    """Yields batches of ``size`` support images without end; each episode has an order of its own in each pass.

    ``label [e, S]`` are the classes, and the first ``counts[i]`` images of episode i are there. A support of at
    most ``size`` images is one batch, which is always the same.
    """
    import torch

    device, largest = label.device, max(counts)
    if largest <= size:
        present = torch.arange(largest, device=device) < torch.tensor(counts, device=device).unsqueeze(1)
        everything = torch.arange(largest, device=device).expand_as(label)
        yield from repeat((inputs.take(everything), label, present / present.sum(1, keepdim=True)))
    while True:
        order = torch.full((len(counts), -(-largest // size) * size), -1)
        for episode, (count, generator) in enumerate(zip(counts, generators, strict=True)):
            order[episode, :count] = torch.randperm(count, generator=generator)
        for place in torch.split(order.to(device), size, 1):
            present = place >= 0
            place = place.clamp_min(0)
            yield inputs.take(place), label.gather(1, place), present / present.sum(1, keepdim=True)
