"""Whole trainings of the plugin's methods on small drawn pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fsbench_meta_trained.baseline import Baseline, BaselineConfig  # noqa: E402
from fsbench_meta_trained.episodic import EpisodicConfig  # noqa: E402
from fsbench_meta_trained.meta_baseline import MetaBaseline, MetaBaselineConfig  # noqa: E402
from fsbench_meta_trained.metric import LOSSES, DeepMetric, DeepMetricConfig  # noqa: E402

import fewshot_bench as fb  # noqa: E402
from fewshot_bench.api import BaseData, Context, UsageError  # noqa: E402
from fewshot_bench.testing import parametrize_with_checks  # noqa: E402
from fewshot_bench.training.base import split_base  # noqa: E402

pytestmark = pytest.mark.training

NETWORK = {"backbone": "conv4-8", "size": 16, "epochs": 1, "validation_episodes": 3}
CLASSIFIER = {**NETWORK, "steps": 3, "batch": 16}
EPISODIC = {**NETWORK, "train_ways": 4, "queries": 2, "episodes": 3}
SETTINGS = {
    "baseline": CLASSIFIER,
    "baseline++": CLASSIFIER,
    "deepemd": {**EPISODIC, "size": 32, "pretrain_epochs": 1},
    "feat": {**EPISODIC, "pretrain_epochs": 1},
    "frn": {**EPISODIC, "size": 32},
    "matchingnet": {**EPISODIC, "context": 1},
    "meta-baseline": {**EPISODIC, "pretrain_epochs": 1},
    "metaoptnet": EPISODIC,
    "metric": CLASSIFIER,
    "r2d2": EPISODIC,
    "relationnet": {**EPISODIC, "size": 32},
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def one_cache_for_all(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FSBENCH_CACHE", str(cache))
    monkeypatch.delenv("FSBENCH_WEIGHTS", raising=False)


@pytest.fixture(scope="module")
def digits() -> BaseData:
    index = fb.dataset("digits")
    return BaseData("digits", *split_base(index), index)


def run(method, **parameters):
    return fb.run(
        method, "packshots", ways=3, queries=2, episodes=2, parameters={**SETTINGS[method], **parameters}
    )


def context(cache: Path) -> Context:
    return Context(device="cpu", seed=0, cache=cache)


@pytest.mark.parametrize("method", SETTINGS)
def test_it_is_trained_once_found_and_loaded_from_its_checkpoint(cache, method):
    first = run(method)
    assert first.pretraining == "packshots (base classes)" and 0 <= first.accuracy.mean <= 1
    trunks = {path: path.stat().st_mtime_ns for path in cache.rglob("trunk.safetensors")}
    assert run(method).scores_sha256 == first.scores_sha256
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("trunk.safetensors")} == trunks
    name = list(first.training["log"])[-1]
    found = [p for p in trunks if p.parent.name.startswith(f"{name}-")]
    same = {run(method, checkpoint=str(path)).scores_sha256 for path in found}
    assert first.scores_sha256 in same


def test_episodes_begin_with_the_network_of_the_classification(cache, digits):
    """The first training is that of ``baseline`` with the same parameters, and is made once for both."""
    small = {"backbone": "conv4-8", "size": 16, "validation_episodes": 3}
    config = MetaBaselineConfig(
        **small, pretrain_epochs=1, pretrain_lr=2e-3, epochs=1, train_ways=3, queries=2, episodes=1
    )
    method = MetaBaseline(config)
    facts = method.fit(digits, context(cache))
    assert list(facts["log"]) == ["baseline", "meta-baseline"]
    alone = Baseline(config.classification())
    alone.fit(digits, context(cache))
    assert method.first.fingerprint() == alone.encoder.fingerprint() == method._start.fingerprint()
    assert method.encoder.fingerprint() != alone.encoder.fingerprint()


def test_the_classification_takes_the_parameters_of_the_network():
    config = EpisodicConfig(backbone="conv4-8", size=20, augment=True, weight_decay=0.5, pretrain_epochs=7)
    shared = config.classification()
    assert isinstance(shared, BaselineConfig)
    assert (shared.backbone, shared.size, shared.augment, shared.weight_decay) == ("conv4-8", 20, True, 0.5)
    assert (shared.epochs, shared.lr, shared.checkpoint) == (7, config.pretrain_lr, None)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_is_the_library_s_and_draws_the_pictures_of_a_class_together(cache, digits, loss):
    from pytorch_metric_learning import losses

    config = {**CLASSIFIER, "loss": loss, "embedding": 4, "batch": 12, "pictures": 3, "steps": 1}
    method = DeepMetric(DeepMetricConfig(**config))
    method.fit(digits, context(cache))
    assert isinstance(method.learnt, getattr(losses, LOSSES[loss]))
    network = method._network(context(cache), method.schedule())
    batch = method.data(digits).open(method._prepare(), 0, 1).batch(0, 0)
    assert np.bincount(batch.labels).max() == 3 and len(batch.labels) == 12
    ours, _ = method.loss(network, batch)
    theirs = network.head(network(batch.images), torch.from_numpy(batch.labels))
    assert float(ours.detach()) == pytest.approx(float(theirs.detach()))


@pytest.mark.parametrize("method", ["baseline", "matchingnet", "metaoptnet", "frn"])
def test_some_steps_learn(cache, digits, method):
    """The loss of one batch falls under its gradient."""
    from fewshot_bench.contract.registry import METHODS, load

    kind = load(METHODS, method)
    made = kind(kind.Config(**{**SETTINGS[method], "size": 32}))
    if method == "baseline":
        made.classes = len(digits.train.class_names)
    made._begin(context(cache))
    network = made._network(context(cache), made.schedule()).train()
    batch = made.data(digits).open(made._prepare(), 0, 3).batch(0, 0)
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    values = []
    for _ in range(25):
        loss, _ = made.loss(network, batch)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        values.append(float(loss.detach()))
    assert values[-1] < 0.7 * values[0]


def test_maps_are_kept_whole_and_errors_are_one_sentence():
    with pytest.raises(UsageError, match="pooling"):
        run("frn", pooling="average")
    with pytest.raises(UsageError, match="loss"):
        run("metric", loss="hinge")
    with pytest.raises(UsageError, match=r"of 161 classes .* packshots has \d+ base classes"):
        run("r2d2", train_ways=161)


def test_a_method_is_as_short_as_its_mathematics():
    import fsbench_meta_trained

    package = Path(fsbench_meta_trained.__file__).parent
    longest = {path.name: len(path.read_text().splitlines()) for path in package.glob("*.py")}
    assert max(longest.values()) <= 120 and longest["meta_baseline.py"] <= 45


@parametrize_with_checks(
    "metaoptnet", without=("setup-process",), queries=2, episodes=2, parameters=SETTINGS["metaoptnet"]
)
def test_it_keeps_its_contract(check):
    check()
