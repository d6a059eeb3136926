"""Parameters of ``maml``, ``fomaml`` and ``anil``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fewshot_bench.api import UsageError, setting, share, tunable


@dataclass(frozen=True)
class Rule:
    """How an episode is learnt: so many steps at this rate; ``second_order`` gradients, the whole or the head."""

    steps: int
    lr: float
    second_order: bool = True
    whole: bool = True


@dataclass(frozen=True, kw_only=True)
class Config:
    """Four convolutions of 32 channels at 84 px, inner rate 0.01, meta rate 1e-3, as in the paper on miniImageNet.

    The paper's 60,000 iterations are ``epochs=240``.
    """

    channels: int = setting(32, "of each of the four convolutions", at_least=1)
    size: int = setting(84, "side of a picture, at least 16", unit="pixels")
    view: Literal["pad", "crop", "stretch"] = setting("crop", "how a picture that is not square becomes one")
    head: Literal["shared", "own"] = setting(
        "shared",
        "shared: one learnt start for every class, any number of them; own: one a class, train_ways of them",
    )
    inner_lr: float = tunable(0.01, 1e-3, 1.0, log=True, help="α, learning rate within an episode")
    inner_steps: int = tunable(5, 1, 10, help="gradient steps within a training episode", at_least=1)
    test_steps: int = tunable(10, 1, 20, help="gradient steps within an evaluated episode", at_least=1)
    train_ways: int = tunable(5, 2, 20, help="classes of a training episode", at_least=1)
    train_shots: int = tunable(1, 1, 5, help="support pictures of a class in training", at_least=1)
    queries: int = tunable(
        5, 1, 15, help="query pictures of a class in training; 15 in the paper", at_least=1
    )
    meta_batch: int = tunable(4, 1, 32, unit="episodes", help="episodes of an outer step", at_least=1)
    lr: float = tunable(1e-3, 1e-4, 1e-2, log=True, help="β, largest learning rate of the outer loop (Adam)")
    ema_decay: float = share(0.0, 0.0, 0.999, "of the moving average of the weights; 0: none")
    epochs: int = setting(4, "epochs, each followed by a validation", at_least=1)
    iterations: int = setting(250, "outer steps of an epoch", at_least=1)
    patience: int = setting(10, "epochs without a better validation that end the training", at_least=1)
    validation: int = setting(100, "episodes of a validation, the same after every epoch", at_least=1)
    augment: bool = setting(False, "mirror and shift training pictures: for natural pictures")
    backend: Literal["torch", "learn2learn"] = setting(
        "torch", "whose inner loop: both give the same weights"
    )

    def __post_init__(self) -> None:
        if self.size < 16:
            raise UsageError(
                f"size={self.size} leaves nothing after four halvings; ask for 16 pixels or more."
            )
        for name in ("inner_lr", "lr"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} must be above 0, not {getattr(self, name)}.")
