"""What is learnt from an episode's support: cross-entropy, with MaxEnt where asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.api import Augmentation
from fsbench_finetune.config import Config
from fsbench_finetune.network import BLOCK

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

LEAST_HELD_OUT = 10
"""Pictures of a class from which on some of them are kept apart, to choose the epoch on."""


class Batch(NamedTuple):
    """Pictures or vectors ``[B, …]`` and the labels ``[B]``."""

    inputs: Tensor
    labels: Tensor


def maxent_loss(logits: Tensor, labels: Tensor, gamma: float) -> Tensor:
    """Returns L = −log p(y) − γ · H(p), averaged over the mini-batch; H(p) = −Σ p log p.

    ``logits [B, N]``, ``labels [B]``. Dubey et al.: Maximum-entropy fine-grained classification, 2018.
    """
    from torch.nn.functional import log_softmax, nll_loss

    log_p = log_softmax(logits.float(), dim=1)
    entropy = -(log_p.exp() * log_p).sum(dim=1).mean()
    return nll_loss(log_p, labels) - gamma * entropy


def held_out(labels: NDArray[np.int64], share: float, seed: int) -> NDArray[np.bool_]:
    """Returns bool [M], true for about ``share`` (0..1) of each class of ten pictures or more, by ``seed``."""
    rng, apart = np.random.default_rng(seed), np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        apart[rows[: round(share * len(rows))]] = len(rows) >= LEAST_HELD_OUT
    return apart


class SupportTask:
    """One support: ``inputs [M, …]``, pictures uint8 or vectors, and ``labels [M]`` (0 … N−1)."""

    def __init__(self, inputs: NDArray[Any], labels: NDArray[np.int64], config: Config, seed: int) -> None:
        apart = held_out(labels, config.held_out, seed)
        self.inputs, self.labels = inputs[~apart], labels[~apart]
        self.checked = Batch(*map(tensor, (inputs[apart], labels[apart])))
        self.config, self.seed = config, seed
        shift = round(config.shift * config.size)
        self.augment = Augmentation(flip=config.flip, shift=shift) if inputs.ndim == 4 else None

    @property
    def steps(self) -> int:
        """Optimiser steps of an epoch: a pass over the pictures, or more where that is too few in all."""
        passes = -(-len(self.labels) // self.config.batch)
        return max(passes, -(-self.config.least_steps // self.config.epochs))

    def batch(self, epoch: int, number: int) -> Batch:
        """Returns the ``number``-th mini-batch of an epoch's random order; the order begins again where it ends."""
        size, count = self.config.batch, len(self.labels)
        places = np.arange(number * size, (number + 1) * size)
        orders = {
            turn: np.random.default_rng([self.seed, epoch, int(turn)]).permutation(count)
            for turn in np.unique(places // count)
        }
        rows = np.array([orders[place // count][place % count] for place in places])
        if count <= size:
            rows = orders[places[0] // count]
        inputs = self.inputs[rows]
        if self.augment is not None:
            inputs = self.augment(inputs, np.random.default_rng([self.seed, epoch, number, 1]))
        return Batch(tensor(inputs), tensor(self.labels[rows]))

    def loss(self, network: Module, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """Returns the loss, and the share of the batch that is predicted right."""
        device = next(network.parameters()).device
        logits, labels = network(batch.inputs.to(device)), batch.labels.to(device)
        right = float((logits.detach().argmax(dim=1) == labels).float().mean())
        return maxent_loss(logits, labels, self.config.gamma), {"right": right}

    def validate(self, network: Module) -> float | None:
        """Returns accuracy on the pictures held out; None where there are none."""
        if not len(self.checked.labels):
            return None
        found = probabilities(network, self.checked.inputs.numpy())
        return float((found.argmax(axis=1) == self.checked.labels.numpy()).mean())


def tensor(array: NDArray[Any]) -> Tensor:
    """Returns an array as a tensor of its own memory."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(array))


def probabilities(network: Module, inputs: NDArray[Any]) -> NDArray[np.float64]:
    """Returns softmax of the network's logits, ``[M, …] -> [M, N]`` float64."""
    import torch

    device = next(network.parameters()).device
    with torch.inference_mode():
        parts = [
            network(tensor(inputs[start : start + BLOCK]).to(device)).double().softmax(dim=1).cpu().numpy()
            for start in range(0, len(inputs), BLOCK)
        ]
    return np.concatenate(parts)
