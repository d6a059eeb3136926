"""Schedule: how long, how fast and by which optimiser a network is trained."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from fewshot_bench.training.optimiser import MakeOptimiser, make_optimiser, optimiser_facts

if TYPE_CHECKING:
    from torch.nn import Parameter

Precision = Literal["auto", "float32", "bf16"]


@dataclass(frozen=True)
class Schedule:
    """``epochs`` of ``steps`` optimiser steps, the learning rate a linear warm-up and then half a cosine.

    Parameters
    ----------
    epochs, steps : the number of epochs, each followed by a validation, and of optimiser steps in each.
    lr : the largest learning rate.
    optimiser : ``adamw`` (decoupled weight decay), ``sgd`` with ``momentum`` and, where asked for, ``nesterov``; the
        name of a class of ``torch.optim`` (``RAdam``); or a class or function that is called with the parameters,
        ``lr=`` and ``arguments``.
    arguments : keyword arguments of the optimiser. They are part of the training's identity, and so is the source of
        a class or function.
    weight_decay : the weight decay of the optimiser.
    warmup : optimiser steps of the warm-up.
    accumulate : batches that make one step; their mean loss is minimised.
    ema_decay : decay of the exponential moving average of the weights, which is validated and kept; 0: the weights
        themselves.
    patience : epochs without a better validation that end the training.
    precision : ``bf16`` or ``float32`` arithmetic of the network in training; ``auto``: bf16 on a GPU alone. Losses
        are computed in float32.
    batch_norm : whether batch norms keep the statistics of their pretraining (``frozen``) or take part in the
        training (``trained``), as those of a network from scratch must; ``auto``: by whether there is a pretraining.
    freeze : share (0..1) of the trunk's layers, counted from the first, that keep their pretraining.
    """

    epochs: int
    steps: int
    lr: float
    optimiser: str | MakeOptimiser = "adamw"
    arguments: Mapping[str, Any] = field(default_factory=dict)
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 1e-4
    warmup: int = 20
    accumulate: int = 1
    ema_decay: float = 0.0
    patience: int = 5
    precision: Precision = "auto"
    batch_norm: Literal["auto", "frozen", "trained"] = "auto"
    freeze: float = 0.0

    def rate(self, step: int) -> float:
        """Returns the learning rate of optimiser step ``step``, counted from 0."""
        total = self.epochs * self.steps
        if step < self.warmup:
            return self.lr * (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, total - self.warmup)
        return 0.5 * self.lr * (1 + math.cos(math.pi * min(1.0, done)))

    def precision_on(self, device: str) -> Literal["float32", "bf16"]:
        """Returns the precision on a device, ``auto`` resolved."""
        if self.precision == "auto":
            return "bf16" if device.startswith("cuda") else "float32"
        return self.precision

    def make_optimiser(self, parameters: Iterable[Parameter]) -> Any:
        """Returns the torch optimiser of ``parameters``."""
        own = {"momentum": self.momentum, "nesterov": self.nesterov} if self.optimiser == "sgd" else {}
        kinds = {"adamw": "AdamW", "sgd": "SGD"}
        kind = (
            kinds.get(self.optimiser, self.optimiser) if isinstance(self.optimiser, str) else self.optimiser
        )
        return make_optimiser(kind, parameters, self.lr, self.weight_decay, {**own, **self.arguments})

    def optimiser_facts(self) -> dict[str, Any]:
        """Returns what a training's identity says of the optimiser."""
        return optimiser_facts(self.optimiser, self.arguments)
