"""Trainable: what the engine does for every method that trains, of either kind."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from fewshot_bench import identity
from fewshot_bench.contract.config import TRAINING, used_parameters
from fewshot_bench.contract.context import Context
from fewshot_bench.contract.method import Method, Parameters
from fewshot_bench.contract.once import training_identity

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from fewshot_bench.training.base import BaseData
    from fewshot_bench.training.batches import Batches, Data
    from fewshot_bench.training.pictures import Prepare
    from fewshot_bench.training.schedule import Schedule
    from fewshot_bench.training.validation import Validation, ValidationEpisodes

Loss = tuple["Tensor", dict[str, float]]
"""The scalar to minimise, and numbers for the progress bar and the log."""


class Trainable(Method[Parameters]):
    """The base of trained methods of both kinds. Subclass ``TrainedMethod`` or ``TrainedEpisodicMethod``."""

    trains = True
    training_name: ClassVar[str] = ""
    """The name of the training in folders and logs; the method's own where it is empty."""
    reads: ClassVar[tuple[str, ...]] = (TRAINING,)
    """The values of ``used_by`` of the fields of ``Config`` that the training reads."""
    seed_offset: ClassVar[int] = 0
    """A number that is added to the training seed for batches, projection and learnt head."""

    @abstractmethod
    def data(self, base: BaseData) -> Data:
        """Returns what a batch is: ``Episodes``, ``PairBatches``, ``TripletBatches``, ``PictureBatches`` or another."""

    @abstractmethod
    def loss(self, network: Module, batch: Any) -> Loss:
        """Returns the scalar to minimise for a batch of ``data``, and numbers for the log."""

    @abstractmethod
    def schedule(self) -> Schedule:
        """Returns how long and how fast the network is trained."""

    def validation(self, base: BaseData) -> Validation:
        """Returns how the best epoch is chosen: 5-way 1-shot accuracy on validation classes by default."""
        from fewshot_bench.training.validation import Validation

        return Validation()

    def shown(self, base: BaseData) -> Sequence[Any]:
        """Returns the indexes whose pictures the training sees: train and validation classes by default."""
        return [base.train, base.validation]

    def saw(self, base: BaseData) -> tuple[str, ...]:
        """Returns what the weights saw in this training, in words."""
        return base.seen(labels=True, unlabelled=False)

    @property
    def label(self) -> str:
        """The name of the training."""
        return self.training_name or self.name

    def fit(self, base: BaseData, context: Context) -> dict[str, Any]:
        """Trains, or finds the same training finished; returns facts of it for the record.

        The facts are ``identity`` (the key of the training), ``log`` and ``timings``. Raises UsageError for
        parameters that no training is possible with, FsbenchError where a training fails or is damaged.
        """
        from fewshot_bench.training.kept import train_once
        from fewshot_bench.training.log import training_facts

        self._begin(context)
        schedule = self._settled(self.schedule())
        facts = training_identity(
            self.label,
            self,
            context,
            parameters=used_parameters(self.config, self.reads),
            precision=schedule.precision_on(context.device),
            start=self._start_facts(context),
            base=[index.fingerprint for index in self.shown(base)],
            **schedule.optimiser_facts(),
        )
        key = identity.key("training", facts)
        folder = context.folder(self.label, key)

        def run() -> Path:
            return self._train(base, context, schedule, folder)

        def export(tensors: dict[str, Tensor]) -> list[str]:
            return self._export(folder, tensors, base)

        train_once(self.label, folder, key, facts, context.progress, run=run, export=export)
        self._load(folder, context)
        return {"identity": key, **training_facts({self.label: folder})}

    def _train(self, base: BaseData, context: Context, schedule: Schedule, folder: Path) -> Path:
        from fewshot_bench.training.loop import train

        prepare, seed = self._prepare(), context.seed + self.seed_offset
        batches = self.data(base).open(prepare, seed, schedule.steps * schedule.accumulate)
        episodes = self.validation(base).open(base.validation, prepare, seed)
        network = self._network(context, schedule)
        task = MethodTask(self, batches, episodes, context)
        looped = replace(schedule, precision=self._loop_precision(schedule, context))
        return train(
            self.label, network, task, looped, folder, context.progress,
            device=context.device, images_per_batch=batches.images,
        )  # fmt: skip

    def _loop_precision(self, schedule: Schedule, context: Context) -> Literal["float32", "bf16"]:
        return schedule.precision_on(context.device)

    @abstractmethod
    def _begin(self, context: Context) -> None:
        """Finds out what the training starts from."""

    @abstractmethod
    def _settled(self, schedule: Schedule) -> Schedule:
        """The schedule without ``batch_norm`` auto."""

    @abstractmethod
    def _start_facts(self, context: Context) -> Any:
        """The content of what the training starts from."""

    @abstractmethod
    def _prepare(self) -> Prepare:
        """A picture as the network takes it."""

    @abstractmethod
    def _network(self, context: Context, schedule: Schedule) -> Module:
        """The network before the training, on the device."""

    @abstractmethod
    def _score(self, network: Module, episodes: ValidationEpisodes, context: Context) -> float:
        """The score on validation episodes."""

    @abstractmethod
    def _export(self, folder: Path, tensors: dict[str, Tensor], base: BaseData) -> list[str]:
        """Writes the best weights and the list of what they saw; returns the names of the files."""

    @abstractmethod
    def _load(self, folder: Path, context: Context) -> None:
        """Takes the trained weights."""


@dataclass(frozen=True)
class MethodTask:
    """A method as the loop sees it: its batches, its loss and its validation."""

    method: Trainable[Any]
    batches: Batches
    episodes: ValidationEpisodes
    context: Context

    def batch(self, epoch: int, number: int) -> Any:
        """Returns batch ``number`` of ``epoch``."""
        return self.batches.batch(epoch, number)

    def loss(self, network: Module, batch: Any) -> Loss:
        """Returns the method's loss."""
        return self.method.loss(network, batch)

    def validate(self, network: Module) -> float:
        """Returns the score on validation episodes."""
        return self.method._score(network, self.episodes, self.context)
