"""A method's parameters stand in the brackets of its base class, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import pytest

from fewshot_bench.api import (
    EmbeddingMethod,
    EpisodicMethod,
    NoConfig,
    TrainedConfig,
    TrainedEpisodicMethod,
    TrainedMethod,
)


@dataclass(frozen=True)
class Config:
    """One parameter."""

    k: int = 3


@dataclass(frozen=True)
class More(Config):
    """Two parameters."""

    size: int = 16


class Ready:
    """What every method has to say, said once."""

    pretraining = "none"

    def setup(self, context):
        pass

    def solve(self, tasks):
        pass


@pytest.mark.parametrize("base", [EmbeddingMethod, EpisodicMethod])
def test_the_dataclass_in_the_brackets_is_the_config(base):
    class Mine(Ready, base[Config]):
        pass

    assert Mine.Config is Config and Mine().config == Config() and Mine(Config(5)).config.k == 5


@pytest.mark.parametrize("base", [TrainedMethod, TrainedEpisodicMethod])
def test_trained_methods_take_brackets_too(base):
    assert type("Mine", (base,), {}).Config is NoConfig

    class Mine(base[TrainedConfig]):
        pass

    assert Mine.Config is TrainedConfig


def test_without_brackets_a_line_names_it_or_there_are_none():
    class Plain(Ready, EmbeddingMethod):
        pass

    class Named(Ready, EmbeddingMethod):
        Config = Config

    assert Plain.Config is NoConfig and Plain().config == NoConfig()
    assert Named().config == Config()


def test_a_base_class_of_several_methods_leaves_the_config_open():
    given = TypeVar("given", bound=Config)

    class Family(Ready, EmbeddingMethod[given], Generic[given]):
        pass

    class One(Family[Config]):
        pass

    class Two(Family[More]):
        pass

    class Three(Two):
        Config = type("Other", (More,), {})

    assert (Family.Config, One.Config, Two.Config) == (NoConfig, Config, More)
    assert issubclass(Three.Config, More)


def test_two_configs_that_disagree_are_a_sentence():
    with pytest.raises(
        TypeError, match=r"^Mine has More in the brackets .* leave the line `Config = Config` out"
    ):

        class Mine(EmbeddingMethod[More]):
            Config = Config

    class Narrower(Ready, EmbeddingMethod[Config]):
        Config = More

    assert Narrower.Config is More
