"""The three methods: which weights move within an episode, and how the outer loop sees it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.api import BaseData, Context, EpisodicMethod, ImageTasks, training_facts
from fsbench_maml.config import Config, Rule
from fsbench_maml.learner import by_learn2learn, learn2learn
from fsbench_maml.scores import Backend, by_torch, score_tasks
from fsbench_maml.train import MetaTask, load, trained


class Maml(EpisodicMethod):
    """θ'_i = θ − α ∇L_i(f_θ) on the support, θ ← θ − β ∇ Σ L_i(f_θ'_i) on the queries (algorithm 2).

    Normalised by an episode's support alone, so that no query depends on another.
    """

    api_version = 1
    name = "maml"
    summary = "MAML: weights trained to learn an episode in a few gradient steps"
    reference = "Finn, Abbeel, Levine: Model-agnostic meta-learning for fast adaptation, ICML 2017"
    trains = True
    Config = Config
    second_order: ClassVar[bool] = True
    whole: ClassVar[bool] = True

    def __init__(self, config: Any = None) -> None:
        super().__init__(config)
        self.image_size = self.config.size

    def rule(self, steps: int) -> Rule:
        """How an episode is learnt in so many steps."""
        return Rule(steps, self.config.inner_lr, self.second_order, self.whole)

    @property
    def backend(self) -> Backend:
        """Whose inner loop is used; UsageError where learn2learn is asked for and not there."""
        if self.config.backend == "torch":
            return by_torch
        learn2learn()
        return by_learn2learn

    def fit(self, base: BaseData, context: Context) -> dict[str, Any]:
        """Train, or find what was trained before."""
        c, backend = self.config, self.backend

        def task() -> MetaTask:
            return MetaTask(base, c, self.rule(c.inner_steps), self.rule(c.test_steps), backend, context)

        self.file = trained(self.name, base, task, c, context)
        self.seen = ", ".join(base.seen(labels=True, unlabelled=False))
        return training_facts({self.name: self.file.parent})

    def setup(self, context: Context) -> None:
        """The trained network."""
        self.network = load(self.file, self.config, context)

    @property
    def pretraining(self) -> str:
        """The base classes: there are no weights before them."""
        return self.seen

    @property
    def weights(self) -> Path:
        """The file of the training."""
        return self.file

    def solve(self, tasks: ImageTasks) -> NDArray[np.float32]:
        """Each episode is learnt from its support in ``test_steps`` steps, then its queries are scored."""
        return score_tasks(self.network, tasks, self.rule(self.config.test_steps), self.backend)


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
