"""The three methods: which weights move within an episode, and how the outer loop sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.api import (
    BaseData,
    EpisodeBatch,
    Episodes,
    ImageTasks,
    Loss,
    Schedule,
    TrainedEpisodicMethod,
    UsageError,
    Validation,
    episode_loss,
)
from fsbench_maml.config import Config as Parameters
from fsbench_maml.config import Rule
from fsbench_maml.learner import by_learn2learn, learn2learn
from fsbench_maml.network import make
from fsbench_maml.scores import Backend, as_tensor, by_torch, score_tasks

if TYPE_CHECKING:
    from torch.nn import Module


class Maml(TrainedEpisodicMethod[Parameters]):
    """θ'_i = θ − α ∇L_i(f_θ) on the support, θ ← θ − β ∇ Σ L_i(f_θ'_i) on the queries (algorithm 2).

    Batch norms take mean and variance of an episode's support alone, so that no query depends on another.
    """

    api_version = 1
    name = "maml"
    summary = "MAML: weights trained to learn an episode in a few gradient steps"
    reference = "Finn, Abbeel, Levine: Model-agnostic meta-learning for fast adaptation, ICML 2017"
    draws_per_episode = False
    second_order: ClassVar[bool] = True
    whole: ClassVar[bool] = True

    def __init__(self, config: Parameters | None = None) -> None:
        super().__init__(config)
        self.image_size, self.image_view = self.config.size, self.config.view

    def rule(self, steps: int) -> Rule:
        """Returns how an episode is learnt in so many steps."""
        return Rule(steps, self.config.inner_lr, self.second_order, self.whole)

    @property
    def backend(self) -> Backend:
        """Whose inner loop is used; UsageError where learn2learn is asked for and not there."""
        if self.config.backend == "torch":
            return by_torch
        learn2learn()
        return by_learn2learn

    def data(self, base: BaseData) -> Episodes:
        """Returns meta-batches of episodes of base classes."""
        c = self.config
        shape = c.train_ways, c.train_shots, c.queries, c.meta_batch
        return Episodes(base.train, *shape, augment="flip" if c.augment else "none")

    def loss(self, network: Module, batch: EpisodeBatch) -> Loss:
        """Returns Σ_i L(f_θ'_i) over the queries of the meta-batch (algorithm 2), as a mean."""
        import torch

        device = str(next(network.parameters()).device)
        support, query = (as_tensor(x, device) for x in batch)
        labels = torch.arange(support.shape[1], device=device).repeat_interleave(support.shape[2])
        rule = self.rule(self.config.inner_steps)
        scores = self.backend(network, support.flatten(1, 2), labels, query.flatten(1, 2), rule)
        return episode_loss(scores)

    def schedule(self) -> Schedule:
        """Returns Adam's schedule, without weight decay."""
        c = self.config
        return Schedule(
            c.epochs, c.iterations, c.lr, weight_decay=0.0, ema_decay=c.ema_decay, patience=c.patience
        )

    def validation(self, base: BaseData) -> Validation:
        """Episodes of as many classes and pictures as in training, learnt as in evaluation."""
        c, classes = self.config, len(base.validation.class_names)
        if c.head == "own" and classes < c.train_ways:
            raise UsageError(
                f"Selection with head=own needs {c.train_ways} validation classes and {base.name} has "
                f"{classes}; train with fewer train_ways, or with head=shared."
            )
        return Validation(c.train_ways, c.train_shots, c.queries, episodes=c.validation)

    def make_network(self, seed: int) -> Module:
        """Returns four convolutions and a linear layer."""
        c = self.config
        return make(c.channels, c.size, 1 if c.head == "shared" else c.train_ways, seed)

    def scores(self, network: Module, tasks: ImageTasks) -> NDArray[np.float32]:
        """Returns each episode is learnt from its support in ``test_steps`` steps, then its queries are scored."""
        return score_tasks(network, tasks, self.rule(self.config.test_steps), self.backend)


class Fomaml(Maml):
    """First order: ∇_θ L(f_θ') is taken as ∇_θ' L(f_θ'), the inner gradients being constants (section 5.2)."""

    name = "fomaml"
    summary = "first-order MAML: the outer gradient leaves second derivatives out"
    second_order = False


class Anil(Maml):
    """Almost no inner loop: within an episode only the head moves, on features that were meta-learnt for it."""

    name = "anil"
    summary = "ANIL: MAML whose inner loop moves the last layer alone"
    reference = "Raghu, Raghu, Bengio, Vinyals: Rapid learning or feature reuse? ICLR 2020"
    whole = False
