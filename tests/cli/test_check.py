"""``fsbench check``: our methods keep their contract, and one that does not is told so."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

import fewshot_bench as fb
from fewshot_bench.cli.check import command
from fewshot_bench.conformance.checks import CHECKS
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
@pytest.mark.subprocess
@pytest.mark.parametrize("method", ["pixels"])
def test_a_method_without_training_keeps_its_contract(method, monkeypatch, tmp_path):
    monkeypatch.setenv("FSBENCH_CACHE", str(tmp_path))
    report = fb.check(method)
    assert report.sound and len(report.trials) == len(CHECKS), report.to_json()


@pytest.mark.training
@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("method", "words"),
    [
        (
            "protonet",
            "backbone=conv4-32 size=28 train_ways=4 queries=2 epochs=1 episodes=3 validation_episodes=3",
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
    assert f"{method} keeps its contract on digits." in done.output and "\nfails" not in done.output


@pytest.mark.slow
def test_a_method_that_breaks_it_is_told_what(make_plugin, monkeypatch, tmp_path):
    monkeypatch.setenv("FSBENCH_CACHE", str(tmp_path))
    make_plugin("bad-plugin", BAD, careless="Careless")
    only = [word for id_ in ("encoder-batch", "generators", "query-order") for word in ("--only", id_)]
    done = check("careless", "--json", *only)
    report = json.loads(done.output)
    assert done.return_value == 1 and not report["sound"] and len(report["trials"]) == 3
    broken = {t["check"]: t["text"] for t in report["trials"] if t["verdict"] == "fails"}
    assert broken.keys() == {"encoder-batch", "generators"}
    assert "The global generator of numpy is used" in broken["generators"]
    shown = check("careless", *only).output
    assert "careless breaks its contract on digits." in shown and "Call `eval()`" in " ".join(shown.split())


@pytest.mark.slow
def test_a_failure_that_is_declared_is_expected_and_one_that_does_not_come_is_told(make_plugin):
    declared = 'expected_failures = {"encoder-batch": "as published", "query-order": "who knows"}'
    make_plugin(
        "declared-plugin",
        BAD.replace("    def setup", f"    {declared}\n\n    def setup"),
        careless="Careless",
    )
    found = fb.check("careless", only=["encoder-batch", "query-order"], device="cpu")
    assert found.sound
    batch, order = sorted(found.trials, key=lambda trial: trial.check)
    assert batch.verdict == "expected" and batch.text.endswith("Declared: as published")
    assert order.verdict == "unexpected" and "declared to fail (who knows); remove that" in order.text


def test_checks_are_listed_with_their_reasons():
    listed = json.loads(check("--list", "--json").output)["checks"]
    assert [row["check"] for row in listed] == [c.id for c in CHECKS]
    shown = " ".join(check("--list").output.split())
    assert all(c.id in shown and " ".join(c.explanation.split()) in shown for c in CHECKS)
    assert check("--list", "--only", "batch").output.startswith("batch ")


def test_a_check_that_is_not_there_and_no_method_are_usage_errors():
    for words, said in ((("pixels", "--only", "ordre"), "There is no check 'ordre'"), ((), "Name a method")):
        assert said in str(check(*words).exception)


def test_episodes_too_small_to_try_anything_on_are_refused():
    for words in ({"shots": 1}, {"queries": 1}):
        with pytest.raises(UsageError, match="2 shots and 2 queries"):
            fb.check("pixels", **words)
