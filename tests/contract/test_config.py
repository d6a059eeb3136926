"""Parameters: typed from text, and a sentence for every wrong key or value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import pytest

from fewshot_bench.contract.config import (
    build,
    describe,
    parse_settings,
    setting,
    share,
    tunable,
    used_parameters,
)
from fewshot_bench.errors import UsageError


@dataclass(frozen=True)
class Config:
    k: int = tunable(1, 1, 5, help="neighbours")
    C: float = tunable(1.0, 0.01, 100, log=True)
    metric: Literal["euclidean", "cosine"] = "cosine"
    normalize: bool = True
    weights: str | None = setting(None, "a file", unit="path")


def test_text_becomes_the_annotated_type():
    made = build(
        Config, "toy", {"k": "3", "C": "1e2", "metric": "euclidean", "normalize": "no", "weights": "w.pth"}
    )
    assert made == Config(3, 100.0, "euclidean", False, "w.pth")
    assert build(Config, "toy", {"weights": "none"}).weights is None
    assert build(Config, "toy", {}) == Config()


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("k", "2.5", r"parameter k of the method toy must be int, not '2\.5'"),
        ("k", True, "must be int, not True"),
        ("C", "much", "must be float, not 'much'"),
        ("C", "nan", "must be float"),
        ("metric", "manhattan", "must be one of euclidean, cosine, not 'manhattan'"),
        ("normalize", "perhaps", "must be bool"),
        ("kk", "3", r"no parameter 'kk'; did you mean k\?"),
        ("zebra", "3", "it has k, C, metric, normalize, weights"),
    ],
)
def test_a_wrong_key_or_value_is_one_sentence(key, value, words):
    with pytest.raises(UsageError, match=words):
        build(Config, "method toy", {key: value})


def test_settings_are_split_at_the_first_equals_sign():
    assert parse_settings(("a=1", "b = x=y ")) == {"a": "1", "b": "x=y"}


@pytest.mark.parametrize("pairs", [("k",), ("=3",), ("k=1", "k=2")])
def test_a_malformed_setting_is_a_sentence(pairs):
    with pytest.raises(UsageError, match="--set"):
        parse_settings(pairs)


def test_a_description_gives_type_default_and_search_range():
    rows = {row["parameter"]: row for row in describe(Config)}
    assert rows["k"] | {} == {
        "parameter": "k", "type": "int", "default": "1", "search": "1 to 5", "unit": "", "help": "neighbours",
    }  # fmt: skip
    assert rows["C"]["search"] == "0.01 to 100, log"
    assert rows["weights"]["type"] == "str or none" and rows["weights"]["unit"] == "path"


@dataclass(frozen=True, kw_only=True)
class Trained:
    PRESETS: ClassVar = {"quick": {"epochs": 2, "backbone": "conv4"}, "standard": {}}
    preset: Literal["quick", "standard"] = setting("standard", "which", used_by="presets")
    epochs: int = setting(20, "how long", at_least=1)
    backbone: str = setting("resnet12", "which network")
    freeze: float = share(0.5, 0.0, 1.0, "of the layers")
    pairs: str | None = setting(None, "a file", content=True)
    k: int = tunable(1, 1, 5, used_by="head", at_least=1)


def test_a_preset_is_below_what_was_typed_and_above_the_defaults():
    assert build(Trained, "toy", {}) == Trained(epochs=20, backbone="resnet12")
    assert build(Trained, "toy", {"preset": "quick"}) == Trained(preset="quick", epochs=2, backbone="conv4")
    typed = build(Trained, "toy", {"preset": "quick", "epochs": "20"})
    assert (typed.epochs, typed.backbone) == (20, "conv4"), "a default that is typed is not the preset's"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"epochs": 0}, "The parameter epochs of the method toy must be at least 1, not 0"),
        ({"freeze": "1.5"}, r"freeze of the method toy must be at least 0 and at most 1, not 1\.5"),
        ({"k": -1}, "k of the method toy must be at least 1, not -1"),
    ],
)
def test_a_value_beyond_its_bounds_is_one_sentence(typed, words):
    with pytest.raises(UsageError, match=words):
        build(Trained, "method toy", typed)


def test_the_parameters_of_a_training_are_those_that_it_reads_and_a_file_is_its_content(tmp_path):
    path, other = tmp_path / "a.csv", tmp_path / "b.csv"
    path.write_text("x")
    other.write_text("x")
    found = used_parameters(Trained(pairs=str(path)))
    assert set(found) == {"epochs", "backbone", "freeze", "pairs"} and len(found["pairs"]) == 64
    assert found == used_parameters(Trained(pairs=str(other), k=3, preset="quick"))
    other.write_text("y")
    assert found != used_parameters(Trained(pairs=str(other)))
    assert set(used_parameters(Trained(), ("training", "head"))) == {*found, "k"}
    with pytest.raises(UsageError, match="Cannot read .*nowhere, which the parameter pairs names"):
        used_parameters(Trained(pairs=str(tmp_path / "nowhere")))
