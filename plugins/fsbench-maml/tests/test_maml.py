"""maml, fomaml and anil as the engine runs them: whole runs, learning, resuming, finding what was trained."""

from __future__ import annotations

import builtins
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import fewshot_bench as fb  # noqa: E402
from fewshot_bench.contract.context import Context  # noqa: E402
from fewshot_bench.errors import FsbenchError, UsageError  # noqa: E402
from fewshot_bench.testing import parametrize_with_checks  # noqa: E402
from fewshot_bench.training.base import BaseData, split_base  # noqa: E402
from fewshot_bench.training.batches import EpisodeBatch  # noqa: E402

pytestmark = pytest.mark.training

methods = pytest.importorskip("fsbench_maml.methods")
scores = pytest.importorskip("fsbench_maml.scores")
learner = pytest.importorskip("fsbench_maml.learner")
Config = pytest.importorskip("fsbench_maml.config").Config

TINY = {
    "channels": 4, "size": 16, "inner_steps": 2, "test_steps": 3, "inner_lr": 0.1, "train_ways": 3, "queries": 2,
    "meta_batch": 2, "epochs": 2, "iterations": 3, "validation": 4,
}  # fmt: skip
NAMES = ("maml", "fomaml", "anil")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def one_cache_for_all(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FSBENCH_CACHE", str(cache))


@pytest.fixture(scope="module")
def digits() -> BaseData:
    """Eight classes to train on and two to select on."""
    index = fb.dataset("digits")
    return BaseData("digits", *split_base(index), index)


def context(folder: Path, seed: int = 0) -> Context:
    return Context(device="cpu", seed=seed, cache=folder)


def run(method, ways=4, **parameters):
    return fb.run(
        method, "packshots", ways=ways, queries=2, episodes=3, train_dataset="digits", parameters={**TINY, **parameters}
    )  # fmt: skip


def weights_of(method, base, where, **changes):
    """The trained weights of a method with the tiny settings."""
    trained = method(Config(**{**TINY, **changes}))
    trained.fit(base, where)
    trained.setup(where)
    return trained.network.state_dict()


def same(first, second) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


@pytest.mark.parametrize("name", NAMES)
def test_a_method_runs_is_trained_once_and_then_found(name, cache):
    first = run(name)
    assert first.pretraining == "digits (base classes)" and not first.transductive
    assert len(first.training["log"][name]["validation"]) == 2
    stamps = {p: p.stat().st_mtime_ns for p in (cache / "checkpoints").rglob("*") if p.is_file()}
    again = run(name)
    assert {p: p.stat().st_mtime_ns for p in (cache / "checkpoints").rglob("*") if p.is_file()} == stamps
    assert again.scores_sha256 == first.scores_sha256


def test_five_ways_after_a_training_with_three_need_a_shared_head():
    assert run("maml", ways=5).ways == 5
    with pytest.raises(UsageError, match="each of 2 classes and an episode has 5"):
        run("maml", ways=5, head="own", train_ways=2)
    assert run("maml", ways=2, head="own", train_ways=2).ways == 2
    with pytest.raises(UsageError, match="head=own needs 3 validation classes and digits has 2"):
        run("maml", ways=3, head="own")


def test_a_few_hundred_tasks_teach_it_to_tell_digits_apart(digits, tmp_path):
    """Two digits that no training has seen: an untrained network is adapted as well, and worse."""
    settings = {"channels": 8, "inner_lr": 0.4, "train_ways": 2, "queries": 5, "meta_batch": 8, "lr": 0.01,
                "epochs": 1, "iterations": 40, "validation": 60}  # fmt: skip
    where, method = context(tmp_path), methods.Maml(Config(**{**TINY, **settings}))
    validation = method.validation(digits).open(digits.validation, method._prepare(), 0)
    before = method._score(method.make_network(0), validation, where)
    assert method.fit(digits, where)["log"]["maml"]["validation"][-1] > before + 0.05


@pytest.mark.parametrize("method", [methods.Maml, methods.Anil])
def test_mixed_precision_as_on_a_gpu_trains_to_nearly_the_same_weights(method, digits, tmp_path, monkeypatch):
    exact = weights_of(method, digits, context(tmp_path / "float32"))
    schedule = method.schedule
    monkeypatch.setattr(method, "schedule", lambda self: replace(schedule(self), precision="bf16"))
    mixed = weights_of(method, digits, context(tmp_path / "bf16"))
    assert not same(exact, mixed)
    for key, value in mixed.items():
        assert value.dtype == exact[key].dtype and torch.allclose(value, exact[key], atol=0.02), key


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(digits, tmp_path):
    first = weights_of(methods.Maml, digits, context(tmp_path / "a"))
    assert same(first, weights_of(methods.Maml, digits, context(tmp_path / "b")))
    assert not same(first, weights_of(methods.Maml, digits, context(tmp_path / "c", seed=1)))


def test_orders_and_parts_train_differently(digits, tmp_path):
    where = context(tmp_path)
    maml, fomaml = weights_of(methods.Maml, digits, where), weights_of(methods.Fomaml, digits, where)
    anil = weights_of(methods.Anil, digits, where)
    assert not same(maml, fomaml) and not same(maml, anil)


def test_an_interrupted_training_ends_with_the_same_weights(digits, tmp_path, monkeypatch):
    whole = weights_of(methods.Maml, digits, context(tmp_path / "whole"))
    loss, calls = methods.Maml.loss, []

    def interrupted(self, network, batch):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return loss(self, network, batch)

    monkeypatch.setattr(methods.Maml, "loss", interrupted)
    with pytest.raises(KeyboardInterrupt):
        weights_of(methods.Maml, digits, context(tmp_path / "cut"))
    calls += [1] * 5
    assert same(whole, weights_of(methods.Maml, digits, context(tmp_path / "cut")))
    assert len(calls) == 5 + 5 + 3  # four steps before, and after it only those of the second epoch


def test_both_backends_train_to_the_same_weights(digits, tmp_path):
    try:
        learner.learn2learn()
    except UsageError as error:
        pytest.skip(str(error))
    for method in (methods.Maml, methods.Fomaml, methods.Anil):
        ours = weights_of(method, digits, context(tmp_path))
        theirs = weights_of(method, digits, context(tmp_path), backend="learn2learn")
        assert all(torch.allclose(ours[k], theirs[k], atol=1e-3) for k in ours)
        scored = [run(method.name, backend=backend) for backend in ("torch", "learn2learn")]
        assert abs(scored[0].accuracy.mean - scored[1].accuracy.mean) < 0.1


def test_a_missing_learn2learn_is_one_sentence_with_the_recipe(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "learn2learn"]:
        monkeypatch.delitem(sys.modules, name)
    real = builtins.__import__

    def without(name, *rest, **more):
        if name == "learn2learn":
            raise ImportError("No module named 'learn2learn'")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(
        UsageError, match="No module named 'learn2learn'.*backend=torch.*pip install --use-pep517"
    ):
        run("maml", backend="learn2learn")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"size": 8}, "size=8 leaves nothing after four halvings"),
        ({"meta_batch": 0}, "meta_batch of the method maml must be at least 1, not 0"),
        ({"train_ways": 40}, "Training episodes of 40 classes .* digits has 8 base classes"),
        ({"backend": "jax"}, "backend of the method maml must be one of torch, learn2learn"),
        ({"inner_lr": -1.0}, "inner_lr must be above 0, not -1.0"),
    ],
)
def test_what_cannot_be_trained_is_one_sentence(wrong, message):
    with pytest.raises(UsageError, match=message):
        run("maml", **wrong)


def test_a_rate_that_runs_away_is_one_sentence(digits, tmp_path):
    with pytest.raises(FsbenchError, match="loss of maml became (nan|inf)"):
        weights_of(methods.Maml, digits, context(tmp_path), inner_lr=1e30, inner_steps=5)


def test_evaluated_classes_are_not_trained_on():
    with pytest.raises(FsbenchError, match="base classes of the training data"):
        fb.run("maml", "packshots", split="base", ways=3, queries=2, episodes=2, parameters=TINY)


def test_the_loss_pairs_pictures_with_their_classes(monkeypatch):
    """Pictures as bright as their class: a scorer that goes by brightness makes no loss, whatever the order."""
    config = Config(**TINY)
    bright = 60 * np.arange(3)[:, None, None, None, None] * np.ones((2, 3, 1, 3, 16, 16))
    batch = EpisodeBatch(*(np.tile(bright, (1, 1, n, 1, 1, 1)).astype(np.uint8) for n in (2, 4)))

    def by_brightness(network, support, labels, query, rule):
        centres = torch.stack([support[0, labels == n].mean() for n in range(3)])
        return -1e3 * (query.mean(dim=(2, 3, 4))[:, :, None] - centres).abs()

    monkeypatch.setattr(methods.Maml, "backend", staticmethod(by_brightness))
    method = methods.Maml(config)
    loss, numbers = method.loss(method.make_network(0), batch)
    assert float(loss) < 1e-6 and numbers["accuracy"] == 1.0


QUICK = {**TINY, "epochs": 1}


@parametrize_with_checks("maml", "anil", without=("setup-process",), queries=2, episodes=2, parameters=QUICK)
def test_they_keep_their_contract(check):
    check()
