"""Parameters: typed from text, and a sentence for every wrong key or value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pytest

from fewshot_bench.contract.config import build, describe, parse_settings, setting, tunable
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
