"""TrainedEpisodicMethod: a network that is trained on base data to adapt to episodes."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.contract.context import Context
from fewshot_bench.contract.method import EpisodicMethod, Parameters
from fewshot_bench.contract.trainable import Trainable

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor
    from torch.nn import Module

    from fewshot_bench.episodes.image_tasks import ImageTasks
    from fewshot_bench.training.base import BaseData
    from fewshot_bench.training.pictures import Prepare
    from fewshot_bench.training.schedule import Schedule
    from fewshot_bench.training.validation import ValidationEpisodes


class TrainedEpisodicMethod(Trainable[Parameters], EpisodicMethod[Parameters]):
    """A network that is trained on base data to adapt to episodes, and needs their pictures.

    ``loss`` computes in the precision of the schedule throughout.
    """

    network: Module
    """The trained network, after ``setup``."""

    @abstractmethod
    def make_network(self, seed: int) -> Module:
        """Returns the network before the training: the same for the same seed."""

    @abstractmethod
    def scores(self, network: Module, tasks: ImageTasks) -> NDArray[np.floating[Any]]:
        """Returns class scores ``[E, Q, N]`` of episodes, in validation and in evaluation."""

    def solve(self, tasks: ImageTasks) -> NDArray[np.floating[Any]]:
        """Scores episodes by the trained network."""
        return self.scores(self.network, tasks)

    @property
    def pretraining(self) -> str:
        """The base classes: there are no weights before them."""
        return self._saw

    @property
    def weights(self) -> Path:
        """The file of the training."""
        return self._file

    def fit(self, base: BaseData, context: Context) -> dict[str, Any]:
        """Trains, or finds the same training finished."""
        self._saw = ", ".join(self.saw(base))
        return super().fit(base, context)

    def _begin(self, context: Context) -> None:
        pass

    def _settled(self, schedule: Schedule) -> Schedule:
        return replace(schedule, batch_norm="trained") if schedule.batch_norm == "auto" else schedule

    def _start_facts(self, context: Context) -> Any:
        return [self.image_size, self.image_view]

    def _prepare(self) -> Prepare:
        from fewshot_bench.embed.pictures import Pictures

        size, pictures = self.image_size, Pictures(self.image_size, self.image_view)

        def prepare(image: Image) -> NDArray[np.uint8]:
            return pictures.prepare(image).reshape(3, size, size)

        return prepare

    def _network(self, context: Context, schedule: Schedule) -> Module:
        return self.make_network(context.seed + self.seed_offset).to(context.device)

    def _score(self, network: Module, episodes: ValidationEpisodes, context: Context) -> float:
        from fewshot_bench.episodes.image_tasks import ImageTasks

        return episodes.accuracy(
            self.scores(network, ImageTasks(episodes.table, episodes.tasks, context.device))
        )

    def _export(self, folder: Path, tensors: dict[str, Tensor], base: BaseData) -> list[str]:
        from fewshot_bench.training.export import export_weights

        return export_weights(folder, tensors, self.shown(base))

    def _load(self, folder: Path, context: Context) -> None:
        from fewshot_bench.training.export import WEIGHTS, load_weights

        self._file = folder / WEIGHTS
        network = self.make_network(context.seed + self.seed_offset)
        self.network = load_weights(self._file, network).to(context.device).eval()
