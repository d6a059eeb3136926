"""From a name to a data set, with and without the distributions that ship some of them."""

from __future__ import annotations

from pathlib import Path

import pytest

import fewshot_bench as fb
from fewshot_bench.cli import guarded
from fewshot_bench.contract import registry
from fewshot_bench.datasets.digits import Digits
from fewshot_bench.datasets.find import DISTRIBUTIONS, find_source
from fewshot_bench.errors import UsageError

ROOT = Path(__file__).parents[2]

TRAINED = """
from dataclasses import dataclass
from fewshot_bench.api import EmbeddingMethod, PixelEncoder, Prototype

@dataclass(frozen=True)
class Config:
    pass

class Trained(EmbeddingMethod):
    api_version, name, summary, Config = 1, "trained", "asks for base data", Config
    trains = True

    def fit(self, base, context):
        return {"classes": len(base.train.class_names)}

    def setup(self, context):
        self.encoder, self.head = PixelEncoder(size=8), Prototype(metric="euclidean")
"""


@pytest.fixture
def no_packshots(monkeypatch: pytest.MonkeyPatch) -> None:
    """The core as it is where ``fsbench-packshots`` is not installed."""
    whole = registry.entries

    def without(group: str):
        return {name: entry for name, entry in whole(group).items() if name != "packshots"}

    without.cache_clear = whole.cache_clear
    monkeypatch.setattr(registry, "entries", without)


def test_a_registered_name_with_and_without_a_variant() -> None:
    source, path, variant = find_source("digits:other")
    assert isinstance(source, Digits) and path is None and variant == "other"
    assert find_source("digits")[2] is None


@pytest.mark.usefixtures("no_packshots")
def test_a_core_without_packshots_says_how_to_get_it(capsys) -> None:
    for name in ("packshots", "packshots:default"):
        with pytest.raises(UsageError) as caught:
            fb.dataset(name)
        message = str(caught.value)
        assert (
            "pip install fsbench-packshots" in message
            and "pip install ./plugins/fsbench-packshots" in message
        )
        assert "\n" not in message
    status = guarded(["run", "--method", "pixels", "--dataset", "packshots"], debug=False)
    assert status == 2 and "pip install fsbench-packshots" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.usefixtures("no_packshots")
def test_so_does_a_method_that_trains_on_it_by_default(make_plugin, tmp_path, draw) -> None:
    make_plugin("a-trained-one", TRAINED, trained="Trained")
    for number in range(4):
        draw(tmp_path / "own" / "ab"[number % 2] / f"{number}.png", number)
    own = str(tmp_path / "own")
    with pytest.raises(UsageError, match=r"pip install fsbench-packshots.*--train-dataset"):
        fb.run("trained", own, ways=2, episodes=2)
    record = fb.run("trained", own, ways=2, episodes=2, train_dataset="digits")
    assert record.training["dataset"] == "digits"


@pytest.mark.usefixtures("no_packshots")
def test_a_folder_of_that_name_is_still_a_data_set(tmp_path, monkeypatch, draw) -> None:
    draw(tmp_path / "packshots" / "a" / "1.png")
    monkeypatch.chdir(tmp_path)
    assert find_source("packshots")[1] == Path("packshots")


def test_a_name_close_to_it_gets_a_hint() -> None:
    with pytest.raises(UsageError, match="did you mean packshots"):
        fb.dataset("packshot")


def test_every_distribution_that_is_named_is_in_the_tree_and_registers_its_data_set() -> None:
    for name, distribution in DISTRIBUTIONS.items():
        setup = (ROOT / "plugins" / distribution / "setup.cfg").read_text(encoding="utf-8")
        assert f"name = {distribution}\n" in setup and f"    {name} = " in setup
