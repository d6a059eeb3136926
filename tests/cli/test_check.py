"""``fsbench check``: our methods keep their contract, and one that does not is told so."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

import fewshot_bench as fb
from fewshot_bench.cli.check import command
from fewshot_bench.errors import UsageError

BAD = """
import numpy as np
from fewshot_bench.api import EmbeddingMethod, PixelEncoder, Prototype

class BatchNorm(PixelEncoder):
    def encode(self, batch):
        vectors = super().encode(batch)
        return vectors - vectors.mean(0)

class Careless(EmbeddingMethod):
    api_version = 1
    name = "careless"
    summary = "statistics of the batch, and numpy's global generator"

    def setup(self, context):
        self.encoder = BatchNorm(size=8)
        self.head = Prototype("euclidean")
        np.random.rand()
"""


def check(*words):
    return CliRunner().invoke(command, words, standalone_mode=False)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["pixels", "hog-knn", "hog-mlp"])
def test_methods_without_training_keep_their_contract(method, monkeypatch, tmp_path):
    monkeypatch.setenv("FSBENCH_CACHE", str(tmp_path))
    report = fb.check(method)
    assert report.sound and len(report.trials) == 9, report.to_json()


@pytest.mark.training
@pytest.mark.parametrize(
    ("method", "words"),
    [
        (
            "protonet",
            "backbone=conv4-32 size=28 train_ways=4 queries=2 epochs=1 episodes=3 validation_episodes=3",
        ),
        (
            "maml",
            "channels=4 size=16 inner_steps=2 inner_lr=0.1 queries=2 epochs=1 iterations=3 validation=4",
        ),
        (
            "anil",
            "channels=4 size=16 inner_steps=2 inner_lr=0.1 queries=2 epochs=1 iterations=3 validation=4",
        ),
    ],
)
def test_trained_methods_keep_their_contract(method, words, monkeypatch, tmp_path):
    monkeypatch.setenv("FSBENCH_CACHE", str(tmp_path))
    settings = [word for pair in words.split() for word in ("--set", pair)]
    done = check(method, "--queries", "2", "--episodes", "2", *settings)
    if done.exception:
        raise done.exception
    assert done.exit_code == 0 and done.return_value == 0, done.output
    assert f"{method} keeps its contract on digits." in done.output and "fails" not in done.output


def test_a_method_that_breaks_it_is_told_what(make_plugin, monkeypatch, tmp_path):
    monkeypatch.setenv("FSBENCH_CACHE", str(tmp_path))
    make_plugin("bad-plugin", BAD, careless="Careless")
    done = check("careless", "--json")
    report = json.loads(done.output)
    assert done.return_value == 1 and not report["sound"]
    broken = {t["check"]: t["text"] for t in report["trials"] if t["verdict"] == "fails"}
    assert broken.keys() == {"encoder", "generators"}
    assert "The global generator of numpy is used" in broken["generators"]
    assert "careless breaks its contract on digits." in check("careless").output


def test_episodes_too_small_to_try_anything_on_are_refused():
    for words in ({"shots": 1}, {"queries": 1}):
        with pytest.raises(UsageError, match="2 shots and 2 queries"):
            fb.check("pixels", **words)
