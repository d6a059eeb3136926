"""What a check says: held, failed, declared, not tried; and chance is told from preference."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import fewshot_bench as fb
from fewshot_bench.conformance.checks import CHECKS, FAMILIES
from fewshot_bench.conformance.checks.encoder import other_values
from fewshot_bench.conformance.contract_check import ContractCheck, fails, holds, judged, skipped
from fewshot_bench.conformance.run import subject_of, trial_of
from fewshot_bench.contract import registry
from fewshot_bench.contract.config import build
from fewshot_bench.engine import Request

SHAKEN = """
import numpy as np
from fewshot_bench.api import EmbeddingMethod, PixelEncoder, Prototype

class Shaken(Prototype):
    def scores(self, table, tasks):
        import torch
        found, _ = super().scores(table, tasks)
        seeds = [int(abs(1000 * table[rows.ravel()[:3]].double().sum())) for rows in tasks.support]
        noise = np.stack([np.random.default_rng(s).normal(size=found.shape[1:]) for s in seeds])
        return found + torch.as_tensor(noise) * FACTOR, {}

class Net(EmbeddingMethod):
    api_version = 1
    name = "net"
    summary = "noise by the first pictures, as random initial weights make"
    draws_per_episode = DRAWS

    def setup(self, context):
        self.encoder, self.head = PixelEncoder(size=8), Shaken("euclidean")
"""


def test_ids_are_unique_and_sentences_are_whole():
    ids = [check.id for check in CHECKS]
    assert len(set(ids)) == len(ids) == sum(map(len, FAMILIES.values())) == 33
    for check in CHECKS:
        assert check.id == check.id.lower() and " " not in check.id
        assert check.title[0].isupper() and not check.title.endswith(".")
        assert check.explanation.endswith(".") and 1 <= check.explanation.count(". ") + 1 <= 3


@pytest.mark.parametrize(
    ("answer", "reason", "verdict"),
    [
        (holds("Yes."), None, "holds"),
        (fails("No."), None, "fails"),
        (skipped("Neither."), None, "skipped"),
        (fails("No."), "so it is", "expected"),
        (holds("Yes."), "so it is", "unexpected"),
        (skipped("Neither."), "so it is", "skipped"),
    ],
)
def test_a_declared_failure_is_expected_and_its_absence_is_told(answer, reason, verdict):
    found = judged(CHECKS[0], answer, reason)
    assert found.verdict == verdict and found.check == CHECKS[0].id
    assert (reason in found.text) == (verdict in ("expected", "unexpected")) if reason else True


def test_whatever_a_method_raises_is_a_failure_of_the_check():
    subject = subject_of(
        Request(method="pixels", dataset="digits", shots=2, queries=2, episodes=1), device="cpu"
    )

    def broken(_):
        raise KeyError("a\nb")

    found = trial_of(subject, ContractCheck("x", "X", "Y.", broken))
    assert found.verdict == "fails" and found.text.startswith("It raises KeyError: ")


@pytest.mark.slow
@pytest.mark.parametrize("declared", [True, False])
def test_chance_is_no_preference_of_a_class_but_has_to_be_declared(make_plugin, declared):
    source = SHAKEN.replace("FACTOR", "0.5").replace("DRAWS", str(declared))
    make_plugin("net-plugin", source, net="Net")
    found = fb.check("net", only=["class-order", "class-bias", "shot-order"], episodes=6, device="cpu")
    verdicts = {trial.check: trial.verdict for trial in found.trials}
    if declared:
        assert verdicts == {"class-order": "skipped", "shot-order": "skipped", "class-bias": "holds"}
    else:
        assert verdicts == {"class-order": "fails", "shot-order": "fails", "class-bias": "skipped"}


@pytest.mark.slow
def test_scores_that_cannot_be_compared_are_told_once(make_plugin):
    source = SHAKEN.replace("FACTOR", str(np.nan).replace("nan", "np.nan")).replace("DRAWS", "False")
    make_plugin("net-plugin", source, net="Net")
    found = fb.check("net", only=["score-values", "batch", "query-order"], device="cpu")
    assert [(t.check, t.verdict) for t in found.trials] == [
        ("score-values", "fails"),
        ("batch", "skipped"),
        ("query-order", "skipped"),
    ]
    assert found.trials[1].text.endswith("see score-values.")


@pytest.mark.parametrize(("claim", "verdict"), [("    items_at_one_shot = True\n", "fails"), ("", "holds")])
def test_a_head_whose_item_scores_are_not_its_class_scores_at_one_shot_must_not_say_so(
    make_plugin, claim, verdict
):
    """A subclass inherits the word of Prototype; with item scores of its own it is asked, unless it gives that word."""
    source = """
from fewshot_bench.api import EmbeddingMethod, PixelEncoder, Prototype

class Backwards(Prototype):
CLAIM
    def item_scores(self, table, tasks):
        return -super().item_scores(table, tasks)

class Net(EmbeddingMethod):
    api_version = 1
    name = "net"
    summary = "ranks the farthest picture first"

    def setup(self, context):
        self.encoder, self.head = PixelEncoder(size=8), Backwards("euclidean")
""".replace("CLAIM", claim)
    make_plugin("net-plugin", source, net="Net")
    (found,) = fb.check("net", only=["item-scores"], device="cpu").trials
    assert found.verdict == verdict
    if verdict == "fails":
        assert "At one shot" in found.text
    else:
        ranked = fb.run("net", "digits", shots=1, episodes=5, device="cpu")
        assert ranked.map.mean < ranked.accuracy.mean - 0.2
        assert (
            fb.run("net", "digits", shots=1, episodes=5, device="cpu").scores_sha256 == ranked.scores_sha256
        )


def test_no_other_value_of_a_parameter_trains_anew():
    """A preset sets what a training reads, and may be one of days."""
    kind = registry.load(registry.METHODS, "student-lr")
    method = kind(build(kind.Config, "student-lr", {"preset": "quick"}))
    subject = SimpleNamespace(method=method)
    assert {name for name, _ in other_values(subject)} == {"C", "view"}
    method.trains = False
    assert {"C", "pooling", "view"} <= {name for name, _ in other_values(subject)}
