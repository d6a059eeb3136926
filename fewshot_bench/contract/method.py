"""Method: a name, typed parameters, a reference, and the mathematics. The engine owns everything else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, get_args

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.contract.config import NoConfig

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import TypeVar

    from fewshot_bench.contract.context import Context
    from fewshot_bench.episodes.image_tasks import ImageTasks
    from fewshot_bench.heads.head import Head
    from fewshot_bench.store.encoder import Encoder
    from fewshot_bench.training.base import BaseData

    Parameters = TypeVar("Parameters", default=Any)
else:
    from typing import TypeVar

    Parameters = TypeVar("Parameters")  # its default is for the checker of types alone, until Python 3.13


class Method(ABC, Generic[Parameters]):
    """What every method declares. Subclass ``EmbeddingMethod`` or ``EpisodicMethod``, not this.

    The parameters of a method are a frozen dataclass in brackets, ``class Mine(EmbeddingMethod[Config])``; a checker
    of types then knows the fields of ``self.config``. Without brackets there are none, or ``Config = Config`` in the
    class names them.

    ``api_version`` is the version of the plugin API the method was written for (1). ``transductive`` is
    True when the scores of a query may depend on other queries; the leaderboard ranks such methods apart.
    ``calibrated`` is True when scores are probabilities. ``pretraining`` says what data the method's
    weights saw before the run; the leaderboard shows it.
    """

    api_version: ClassVar[int]
    name: ClassVar[str]
    summary: ClassVar[str]
    reference: ClassVar[str] = ""
    transductive: ClassVar[bool] = False
    calibrated: ClassVar[bool] = False
    reads_names: ClassVar[bool] = False
    """Whether the head reads the names of an episode's classes (``Tasks.names``), which no other method is given.

    Records, leaderboards and ``fsbench methods`` show it. Only an ``EmbeddingMethod`` may declare it.
    """
    expected_failures: ClassVar[Mapping[str, str]] = {}
    """Checks of ``fsbench check`` that the method is known to fail: the id of a check -> the reason."""
    draws_per_episode: bool = False
    """Whether solving an episode draws random numbers, such as initial weights, class by class or picture by picture.

    The order of classes and of support pictures then changes scores; ``fsbench check`` tries that none is preferred.
    """
    Config: ClassVar[type[Any]] = NoConfig
    training_version: ClassVar[int] = 1
    """The version of the training; to be raised whenever the same data and parameters give other weights."""
    trains: bool = False
    """Whether ``fit`` trains on base data; the engine then prepares it and checks that it is apart.

    A method that was given a checkpoint sets it to False for itself: its ``setup`` loads that.
    """

    def __init__(self, config: Parameters | None = None) -> None:
        self.config: Parameters = self.Config() if config is None else config

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Takes ``Config`` from the brackets of the base class; raises TypeError where the class names another one."""
        super().__init_subclass__(**keywords)
        for given in configurations(cls):
            if "Config" not in cls.__dict__:
                cls.Config = given
            elif not issubclass(cls.Config, given):
                raise TypeError(
                    f"{cls.__name__} has {given.__name__} in the brackets of its base class and Config = "
                    f"{cls.Config.__name__}; leave the line `Config = {cls.Config.__name__}` out, or put "
                    f"{cls.Config.__name__} into the brackets."
                )

    def fit(self, base: BaseData, context: Context) -> dict[str, Any]:
        """Trains on base data (or load the checkpoint of the same training); facts of it for the record."""
        return {}

    @abstractmethod
    def setup(self, context: Context) -> None:
        """Prepares from ``self.config``; called once after ``fit``, before anything is encoded or solved."""

    @property
    @abstractmethod
    def pretraining(self) -> str:
        """The data that the weights were trained on before this run; "none" without any."""

    @property
    def weights(self) -> Path | None:
        """The file of weights that was named or trained, known after ``setup``; None: published ones, or none.

        The engine refuses to evaluate pictures that stand in the list beside it.
        """
        return None


def configurations(method: type[Any]) -> list[type[Any]]:
    """Returns the dataclasses in the brackets of a class's own bases."""
    bases = method.__dict__.get("__orig_bases__", ())
    return [
        given for base in bases for given in get_args(base) if isinstance(given, type) and is_dataclass(given)
    ]


class EmbeddingMethod(Method[Parameters]):
    """A method that is an encoder and a head; caching and batching come from the engine.

    ``setup`` sets both from ``self.config``; it builds no network and reads no picture.
    """

    encoder: Encoder
    head: Head

    @abstractmethod
    def setup(self, context: Context) -> None:
        """Sets ``self.encoder`` and ``self.head``."""

    @property
    def pretraining(self) -> str:
        """What the encoder's weights saw."""
        return self.encoder.pretraining

    @property
    def weights(self) -> Path | None:
        """The encoder's file, where it has one."""
        return getattr(self.encoder, "weights", None)


class EpisodicMethod(Method[Parameters]):
    """A method that adapts to each episode and needs its pictures."""

    draws_per_episode: bool = True
    """Adapting a network to an episode draws batches, at least; a method that draws nothing says False."""

    image_size: int = 84
    """Side in pixels of the square RGB pictures that ``solve`` is given; a method may set its own, up to ``setup``."""

    image_view: str = "crop"
    """How a picture that is not square becomes one: ``crop`` cuts out its centre, ``pad`` adds black borders."""

    def setup(self, context: Context) -> None:
        """Prepares nothing, unless a method says so."""

    @abstractmethod
    def solve(self, tasks: ImageTasks) -> NDArray[np.floating[Any]]:
        """Class scores ``[E, Q, N]`` of a batch of episodes: support pictures and labels, query pictures."""
